"""The faces that are lent, by what right, and who wears which."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.config import paths
from mien.config.choices import ChooseMode, ConsentKind
from mien.config.settings import Settings
from mien.consent.add_face import face_library
from mien.consent.permits import Permit
from mien.consent.records import Consent, ConsentBook, consent_for
from mien.consent.terms import Scope
from mien.session.swappers import SWAPPERS, library
from mien.tracking.assignment import parse_assignments
from mien.tracking.source_photo import (
    Portrait,
    PortraitAddress,
    portrait_address,
    public_domain_portrait,
    read_portrait,
)
from mien_models.errors import UsageError
from mien_models.specs.network import SwapSpec

_LOG = logging.getLogger(__name__)
_PHOTO: Final = "photo"
"""What the log calls a face that is in no library."""

Ask = Callable[[str], str]
"""Puts a question to a person and gives the answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Guest:
    """Somebody who is recognised in front of the camera."""

    portrait: Portrait
    """A photo of them."""
    role: int | None
    """Which of the lent faces they wear; None: none."""


@dataclass(frozen=True, slots=True, eq=False)
class Wardrobe:
    """What can be worn, and by whom."""

    faces: tuple[tuple[Portrait, ...], ...]
    """Each lent face by its photos, of one person; a role is a place in it."""
    guests: tuple[Guest, ...]
    """Empty where faces are chosen by their size or place."""
    consents: tuple[str, ...]
    """By what rights the faces are lent, for the report."""
    names: tuple[str, ...]
    """Each lent face by its name in the library, or 'photo', for the log."""
    permits: tuple[Permit, ...]
    """The rights to the faces of the library, which may end while they are worn."""
    own: str | None
    """What the only face is called that is lent as the wearer's own; None where there is none, or several are lent."""

    def allow(self, use: Scope) -> None:
        """Refuse a use that somebody did not agree to.

        Raises:
            ConsentError: whose face, and for what it may be used.
        """
        for permit in self.permits:
            permit.face.terms.allow(use)


def open_wardrobe(settings: Settings, ask: Ask | None) -> Wardrobe:
    """Read the photos and settle for each lent face whose it is.

    Raises:
        UsageError: nobody said whose face it is, or faces are given in two ways.
        PhotoError: there is no such photo or it cannot be read.
        ConsentError: the time of a face of the library has run out.
    """
    assigned = parse_assignments(settings.assign)
    if isinstance(assigned, ChooseMode):
        return _wardrobe([_inside(settings, ask) or _one_face(settings, ask)], ())
    if settings.face:
        raise UsageError("Faces are given with --face or in a list after --assign, not both; leave --face away.")
    faces: list[str] = []
    guests: list[Guest] = []
    for assignment in assigned:
        if assignment.face is not None and assignment.face not in faces:
            faces.append(assignment.face)
        role = None if assignment.face is None else faces.index(assignment.face)
        guests.append(Guest(read_portrait(portrait_address(assignment.person)), role))
    inside = _inside(settings, ask)
    lent = [inside or _lent((text,), settings.consent, ask) for text in faces]
    return _wardrobe(lent, tuple(guests))


def photos_of(settings: Settings) -> list[Path]:
    """Name the photos that --face gives; faces of the library are none."""
    return [portrait_address(text).path for text in settings.face if _kept(text) is None]


def kept_portraits(name: str, *, can_ask: bool) -> tuple[Portrait, ...] | None:
    """Give the photos of a face of the library; None where it has none of that name.

    Raises:
        MienError: it cannot be opened, or its time has run out.
    """
    permit = _kept(name)
    return None if permit is None else _opened(permit, can_ask=can_ask)


@dataclass(frozen=True, slots=True, eq=False)
class _Lent:
    """One face that is lent."""

    portraits: tuple[Portrait, ...]
    consents: tuple[str, ...]
    name: str = _PHOTO
    permit: Permit | None = None
    own: str | None = None


def _wardrobe(lent: Sequence[_Lent], guests: tuple[Guest, ...]) -> Wardrobe:
    consents = tuple(dict.fromkeys(kind for one in lent for kind in one.consents))
    permits = tuple(one.permit for one in lent if one.permit is not None)
    names = tuple(one.name for one in lent)
    own = lent[0].own if len(lent) == 1 else None
    return Wardrobe(tuple(one.portraits for one in lent), guests, consents, names, permits, own)


def _inside(settings: Settings, ask: Ask | None) -> _Lent | None:
    """Settle whose face a swapper gives that was trained for a single one; None for swappers that take a photo."""
    if settings.swapper in SWAPPERS.names():
        return None
    stored = library().find(settings.swapper)
    spec = stored.manifest.network
    if not isinstance(spec, SwapSpec) or spec.identity.form != "none":
        return None
    consent = _consent(stored.weights_path, settings.consent, ask)
    if settings.face:
        _LOG.info("The face is inside the swapper %s; --face changes nothing.", settings.swapper)
    # What takes a photo gets one that is nobody's secret; nothing of it is seen.
    portrait = read_portrait(portrait_address(str(public_domain_portrait())))
    return _Lent((portrait,), (consent.kind.value,), settings.swapper)


def _one_face(settings: Settings, ask: Ask | None) -> _Lent:
    if settings.face:
        return _lent(settings.face, settings.consent, ask)
    _LOG.info("Without --face the astronaut portrait of scikit-image is lent: NASA, public domain.")
    portrait = read_portrait(portrait_address(str(public_domain_portrait())))
    return _Lent((portrait,), (ConsentKind.PUBLIC_DOMAIN.value,))


def _lent(texts: Sequence[str], given: ConsentKind | None, ask: Ask | None) -> _Lent:
    """Take one face of the library by its name, or photos of one person."""
    kept = [_kept(text) for text in texts]
    if kept[0] is None:
        if any(one is not None for one in kept):
            raise UsageError("--face takes one face of the library, or photos, not both at once.")
        portraits = tuple(read_portrait(portrait_address(text)) for text in texts)
        consents = _consents(portraits, given, ask)
        is_own = consents == (ConsentKind.SELF.value,)
        return _Lent(portraits, consents, own=portraits[0].address.path.name if is_own else None)
    if len(texts) > 1:
        raise UsageError(f"--face takes one face of the library at a time; {texts[0]!r} has all its photos with it.")
    return _from_library(kept[0], given, can_ask=ask is not None)


def _from_library(permit: Permit, given: ConsentKind | None, *, can_ask: bool) -> _Lent:
    terms = permit.face.terms
    if given not in {None, terms.consent}:
        raise UsageError(
            f"{terms.name!r} is in the library as {terms.consent.value!r}; leave --consent away, or remove it "
            "and add it anew."
        )
    portraits = _opened(permit, can_ask=can_ask)
    _LOG.info("Face: %s of the library (%s).", terms.name, terms.consent.meaning)
    own = terms.name if terms.consent is ConsentKind.SELF else None
    return _Lent(portraits, (terms.consent.value,), terms.name, permit, own)


def _opened(permit: Permit, *, can_ask: bool) -> tuple[Portrait, ...]:
    address = PortraitAddress(Path(permit.face.terms.name))
    return tuple(Portrait(address, photo) for photo in permit.library.photos(permit.face, can_ask=can_ask))


def _kept(text: str) -> Permit | None:
    """Find a face of the library; a file of that name goes before it."""
    if paths.named_path(text).exists():
        return None
    library = face_library()
    face = library.find(text)
    return None if face is None else Permit(library, face)


def _consents(portraits: Sequence[Portrait], given: ConsentKind | None, ask: Ask | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_consent(one.address.path, given, ask).kind.value for one in portraits))


def _consent(path: Path, given: ConsentKind | None, ask: Ask | None) -> Consent:
    """Settle whose face is in a photo or a model, and say it."""
    consent = consent_for(path, given=given, book=ConsentBook(paths.data_folder() / "consents"), ask=ask)
    _LOG.info("Face: %s (%s).", path.name, consent.kind.meaning)
    return consent
