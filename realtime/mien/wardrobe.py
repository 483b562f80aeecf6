"""The faces that are lent, by what right, and who wears which."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mien import folders
from mien.assignment import parse_assignments
from mien.consent import ConsentBook, ConsentKind, consent_for
from mien.follow.choose import ChooseMode
from mien.portrait import Portrait, portrait_address, public_domain_portrait, read_portrait
from mien.settings import Settings
from mien_models.errors import UsageError

_LOG = logging.getLogger(__name__)
_ONE_FACE: Final = 0

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


def open_wardrobe(settings: Settings, ask: Ask | None) -> Wardrobe:
    """Read the photos and settle for each lent face whose it is.

    Raises:
        UsageError: nobody said whose face it is, or faces are given in two ways.
        PhotoError: there is no such photo or it cannot be read.
    """
    assigned = parse_assignments(settings.assign)
    if isinstance(assigned, ChooseMode):
        return _one_face(settings, ask)
    if settings.face:
        raise UsageError("Faces are given with --face or in a list after --assign, not both; leave --face away.")
    faces: list[str] = []
    guests: list[Guest] = []
    for assignment in assigned:
        if assignment.face is not None and assignment.face not in faces:
            faces.append(assignment.face)
        role = None if assignment.face is None else faces.index(assignment.face)
        guests.append(Guest(read_portrait(portrait_address(assignment.person)), role))
    lent = tuple((read_portrait(portrait_address(text)),) for text in faces)
    return Wardrobe(lent, tuple(guests), _consents([group[_ONE_FACE] for group in lent], settings.consent, ask))


def _one_face(settings: Settings, ask: Ask | None) -> Wardrobe:
    if not settings.face:
        _LOG.info("Without --face the astronaut portrait of scikit-image is lent: NASA, public domain.")
        portrait = read_portrait(portrait_address(str(public_domain_portrait())))
        return Wardrobe(((portrait,),), (), (ConsentKind.PUBLIC_DOMAIN.value,))
    portraits = tuple(read_portrait(portrait_address(text)) for text in settings.face)
    return Wardrobe((portraits,), (), _consents(portraits, settings.consent, ask))


def _consents(
    portraits: tuple[Portrait, ...] | list[Portrait], given: ConsentKind | None, ask: Ask | None
) -> tuple[str, ...]:
    book = ConsentBook(folders.data_folder() / "consents")
    kinds: list[str] = []
    for portrait in portraits:
        consent = consent_for(portrait.address.path, given=given, book=book, ask=ask)
        _LOG.info("Face: %s (%s).", portrait.address.path.name, consent.kind.meaning)
        kinds.append(consent.kind.value)
    return tuple(dict.fromkeys(kinds))
