"""From photos and what was said of them to a face of the library."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mien.config.choices import ConsentKind
from mien.consent.face_library import FaceLibrary, KeptFace
from mien.consent.terms import Scope, Terms, last_day
from mien_models.errors import PhotoError, UsageError
from mien_models.system import folders
from mien_models.system.causes import cause_of
from mien_models.system.sentence import sentence

if TYPE_CHECKING:
    from mien_models.types import BgrU8

_LONGEST_NAME: Final = 60
_LONGEST_STATEMENT: Final = 20_000
_AROUND: Final = 1.5
"""Of the face's width, kept on each side of it: hair and neck, and not the room behind."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user said."""

    photos: tuple[str, ...]
    name: str
    consent: ConsentKind
    scope: tuple[str, ...] = ()
    until: str | None = None
    statement: Path | None = None


def face_library() -> FaceLibrary:
    """Give the user's library."""
    return FaceLibrary(folders.data_folder() / "faces")


def add_face(request: Request) -> KeptFace:
    """Find the face in each photo and keep it.

    Raises:
        UsageError: a name, scope, date or statement that is not allowed.
        PhotoError: a photo cannot be read or shows no face.
        FaceKeyError: no key could be kept.
    """
    library = face_library()
    terms = _terms(request, library)
    return library.add(terms, [_cut_out(text) for text in request.photos])


def _terms(request: Request, library: FaceLibrary) -> Terms:
    name = request.name.strip()
    if (
        not name
        or len(name) > _LONGEST_NAME
        or not all(one.isprintable() for one in name)
        or "/" in name
        or "," in name
    ):
        raise UsageError(
            sentence(
                "A face's name has 1 to {most} letters, no '/' and no ','; found {name}.",
                most=_LONGEST_NAME,
                name=repr(request.name),
            )
        )
    if library.find(name) is not None:
        raise UsageError(
            sentence("A face is called {name} already; choose another name, or remove that one first.", name=repr(name))
        )
    now = library.clock.now()
    until = last_day(request.until, request.consent, now)
    given_at = now.isoformat(timespec="seconds")
    return Terms(
        secrets.token_hex(16),
        name,
        request.consent,
        scopes_of(request.scope),
        given_at,
        until,
        _text(request.statement),
    )


def scopes_of(words: Sequence[str]) -> tuple[Scope, ...]:
    """Read `--scope`; all where nothing is said.

    Raises:
        UsageError: there is no such use.
    """
    choices = [one.value for one in Scope]
    unknown = [word for word in words if word not in choices]
    if unknown:
        raise UsageError(f"--scope takes {' or '.join(choices)}, not {unknown[0]!r}.")
    return tuple(one for one in Scope if one.value in words or not words)


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        text = path.read_bytes()[: _LONGEST_STATEMENT + 1].decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--statement should be a text file in UTF-8; {str(path)!r} is not: {cause_of(error)}."
        ) from error
    if len(text) > _LONGEST_STATEMENT:
        raise UsageError(f"--statement takes up to {_LONGEST_STATEMENT} letters; {path.name!r} has more.")
    return text


def _cut_out(text: str) -> "BgrU8":
    """Give the photo around its face; other people and the room are not kept."""
    import numpy as np

    from mien.tracking.photo import find_faces, photo_address, read_source_photo, seen_face
    from mien_models.types import as_u8

    view = seen_face(read_source_photo(photo_address(text)))
    height, width = view.photo_bgr.shape[:2]
    left, top, right, bottom = map(float, view.face.box_xyxy)
    room = _AROUND * view.face.width_px
    rows = slice(max(0, int(top - room)), min(height, int(bottom + room)))
    columns = slice(max(0, int(left - room)), min(width, int(right + room)))
    kept = as_u8(np.ascontiguousarray(view.photo_bgr[rows, columns]))
    again = find_faces(kept)
    if not again or abs(float(again[0].box_xyxy[0]) + columns.start - left) > view.face.width_px / 4:
        raise PhotoError(
            f"Another, larger face stands beside the wanted one in {text!r}; cut it out of the photo first."
        )
    return kept
