"""The source faces, by what right they are used, and who gets which."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.config.choices import ChooseMode, ConsentKind
from mien.consent.add_face import face_library
from mien.consent.records import Consent, ConsentBook, consent_for
from mien.consent.terms import Scope
from mien.session.options import FaceOptions
from mien.session.swappers import SWAPPERS, library
from mien.stages.consent_check import Permit
from mien.tracking.photo import (
    PhotoAddress,
    SourcePhoto,
    photo_address,
    public_domain_photo,
    read_source_photo,
)
from mien.tracking.selection import parse_assignments
from mien_models.errors import UsageError
from mien_models.specs.network import SwapSpec
from mien_models.system import folders

_LOG = logging.getLogger(__name__)
_YES: Final = {"y", "yes"}
_MEANT: Final = {
    Scope.LIVE: "shown in calls and windows",
    Scope.RECORDING: "recorded in files",
    Scope.STREAMING: "streamed to the public",
}
_PHOTO: Final = "photo"
"""What the log calls a face that is in no library."""

Ask = Callable[[str], str]
"""Puts a question to a person and gives the answer."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownPerson:
    """Somebody who is recognised in front of the camera."""

    source_photo: SourcePhoto
    """A photo of them."""
    role: int | None
    """Which of the source faces they get; None: none."""


@dataclass(frozen=True, slots=True, eq=False)
class SourceFaces:
    """What can be used, and by whom."""

    faces: tuple[tuple[SourcePhoto, ...], ...]
    """Each source face by its photos, of one person; a role is a place in it."""
    known_people: tuple[KnownPerson, ...]
    """Empty where faces are chosen by their size or place."""
    consents: tuple[str, ...]
    """By what rights the faces are used, for the report."""
    names: tuple[str, ...]
    """Each source face by its name in the library, or 'photo', for the log."""
    permits: tuple[Permit, ...]
    """The rights to the faces of the library, which may end while they are used."""
    own: str | None
    """What the only face is called that is used as the user's own; None where there is none, or several are used."""

    def allow(self, use: Scope) -> None:
        """Refuse a use that somebody did not agree to.

        Raises:
            MienError: whose face, and for what it may be used.
        """
        for permit in self.permits:
            permit.library.allow(permit.face, use)


def open_source_faces(options: FaceOptions, swapper: str, ask: Ask | None) -> SourceFaces:
    """Read the photos and settle for each source face whose it is.

    Raises:
        UsageError: nobody said whose face it is, or faces are given in two ways.
        PhotoError: there is no such photo or it cannot be read.
        ConsentError: the time of a face of the library has run out.
    """
    assigned = parse_assignments(options.assign)
    if isinstance(assigned, ChooseMode):
        return _source_faces([_inside(options, swapper, ask) or _one_face(options, ask)], ())
    if options.faces:
        raise UsageError("Faces are given with --face or in a list after --assign, not both; leave --face away.")
    faces: list[str] = []
    known_people: list[KnownPerson] = []
    for assignment in assigned:
        if assignment.face is not None and assignment.face not in faces:
            faces.append(assignment.face)
        role = None if assignment.face is None else faces.index(assignment.face)
        known_people.append(KnownPerson(read_source_photo(photo_address(assignment.person)), role))
    inside = _inside(options, swapper, ask)
    source_face = [inside or _source_face((text,), options.consent, ask) for text in faces]
    return _source_faces(source_face, tuple(known_people))


def agreed_source_faces(options: FaceOptions, swapper: str, uses: Sequence[Scope], ask: Ask | None) -> SourceFaces:
    """Open the source faces for some uses; where somebody is there, a use that was not agreed to is asked for.

    Raises:
        MienError: as `open_source_faces`.
        ConsentError: a use was not agreed to, and is not now.
    """
    found = open_source_faces(options, swapper, ask)
    for use in uses:
        refused = [one for one in found.permits if use not in one.face.terms.scope]
        if ask is None or not all(_is_agreed(permit, use, ask) for permit in refused):
            found.allow(use)
        elif refused:
            for permit in refused:
                permit.library.agree(permit.face, use, can_ask=True)
            found = open_source_faces(options, swapper, ask)
    return found


def _is_agreed(permit: Permit, use: Scope, ask: Ask) -> bool:
    terms = permit.face.terms
    agreed = " and ".join(one.value for one in terms.scope)
    whose = "Do you agree" if terms.consent is not ConsentKind.GRANTED else f"Has {terms.name} agreed"
    answer = ask(f"{terms.name!r} may be used for {agreed}. {whose} that it is also {_MEANT[use]}? [y/N]")
    return answer.strip().lower() in _YES


def photos_of(faces: Sequence[str]) -> list[Path]:
    """Name the photos that --face gives; faces of the library are none."""
    return [photo_address(text).path for text in faces if _kept(text) is None]


def library_photos(name: str, *, can_ask: bool) -> tuple[SourcePhoto, ...] | None:
    """Give the photos of a face of the library; None where it has none of that name.

    Raises:
        MienError: it cannot be opened, or its time has run out.
    """
    permit = _kept(name)
    return None if permit is None else _opened(permit, can_ask=can_ask)


@dataclass(frozen=True, slots=True, eq=False)
class _SourceFace:
    """One source face."""

    source_photos: tuple[SourcePhoto, ...]
    consents: tuple[str, ...]
    name: str = _PHOTO
    permit: Permit | None = None
    own: str | None = None


def _source_faces(source_face: Sequence[_SourceFace], known_people: tuple[KnownPerson, ...]) -> SourceFaces:
    consents = tuple(dict.fromkeys(kind for one in source_face for kind in one.consents))
    permits = tuple(one.permit for one in source_face if one.permit is not None)
    names = tuple(one.name for one in source_face)
    own = source_face[0].own if len(source_face) == 1 else None
    return SourceFaces(tuple(one.source_photos for one in source_face), known_people, consents, names, permits, own)


def _inside(options: FaceOptions, swapper: str, ask: Ask | None) -> _SourceFace | None:
    """Settle whose face a swapper gives that was trained for a single one; None for swappers that take a photo."""
    if swapper in SWAPPERS.names():
        return None
    stored = library().find(swapper)
    spec = stored.manifest.network
    if not isinstance(spec, SwapSpec) or spec.identity.form != "none":
        return None
    consent = _consent(stored.weights_path, options.consent, ask)
    if options.faces:
        _LOG.info("The face is inside the swapper %s; --face changes nothing.", swapper)
    # What takes a photo gets one that is nobody's secret; nothing of it is seen.
    source_photo = read_source_photo(photo_address(str(public_domain_photo())))
    return _SourceFace((source_photo,), (consent.kind.value,), swapper)


def _one_face(options: FaceOptions, ask: Ask | None) -> _SourceFace:
    if options.faces:
        return _source_face(options.faces, options.consent, ask)
    _LOG.info("Without --face the astronaut portrait of scikit-image is used: NASA, public domain.")
    source_photo = read_source_photo(photo_address(str(public_domain_photo())))
    return _SourceFace((source_photo,), (ConsentKind.PUBLIC_DOMAIN.value,))


def _source_face(texts: Sequence[str], given: ConsentKind | None, ask: Ask | None) -> _SourceFace:
    """Take one face of the library by its name, or photos of one person."""
    kept = [_kept(text) for text in texts]
    if kept[0] is None:
        if any(one is not None for one in kept):
            raise UsageError("--face takes one face of the library, or photos, not both at once.")
        source_photos = tuple(read_source_photo(photo_address(text)) for text in texts)
        consents = _consents(source_photos, given, ask)
        is_own = consents == (ConsentKind.SELF.value,)
        return _SourceFace(source_photos, consents, own=source_photos[0].address.path.name if is_own else None)
    if len(texts) > 1:
        raise UsageError(f"--face takes one face of the library at a time; {texts[0]!r} has all its photos with it.")
    return _from_library(kept[0], given, can_ask=ask is not None)


def _from_library(permit: Permit, given: ConsentKind | None, *, can_ask: bool) -> _SourceFace:
    terms = permit.face.terms
    if given not in {None, terms.consent}:
        raise UsageError(
            f"{terms.name!r} is in the library as {terms.consent.value!r}; leave --consent away, or remove it "
            "and add it anew."
        )
    source_photos = _opened(permit, can_ask=can_ask)
    _LOG.info("Face: %s of the library (%s).", terms.name, terms.consent.meaning)
    own = terms.name if terms.consent is ConsentKind.SELF else None
    return _SourceFace(source_photos, (terms.consent.value,), terms.name, permit, own)


def _opened(permit: Permit, *, can_ask: bool) -> tuple[SourcePhoto, ...]:
    address = PhotoAddress(Path(permit.face.terms.name))
    return tuple(SourcePhoto(address, photo) for photo in permit.library.photos(permit.face, can_ask=can_ask))


def _kept(text: str) -> Permit | None:
    """Find a face of the library; a file of that name goes before it."""
    if folders.named_path(text).exists():
        return None
    library = face_library()
    face = library.find(text)
    return None if face is None else Permit(library, face)


def _consents(source_photos: Sequence[SourcePhoto], given: ConsentKind | None, ask: Ask | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_consent(one.address.path, given, ask).kind.value for one in source_photos))


def _consent(path: Path, given: ConsentKind | None, ask: Ask | None) -> Consent:
    """Settle whose face is in a photo or a model, and say it."""
    consent = consent_for(path, given=given, book=ConsentBook(folders.data_folder() / "consents"), ask=ask)
    _LOG.info("Face: %s (%s).", path.name, consent.kind.meaning)
    return consent
