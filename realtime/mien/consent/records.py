"""Whose face is used and by what right: asked once for every photo and remembered, never with the photo itself."""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mien.config.choices import ConsentKind
from mien_models.errors import UsageError
from mien_models.system.atomic_write import write_private
from mien_models.system.causes import cause_of
from mien_models.system.json_text import json_object
from mien_models.system.sentence import sentence

_LOG = logging.getLogger(__name__)


_RECORD_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Consent:
    """One answer to whose face it is."""

    photo_sha256: str
    """Of the file's bytes, in hexadecimal digits."""
    kind: ConsentKind
    given_at: str
    """Date and time in UTC, ISO 8601."""


class ConsentBook:
    """The remembered answers, one small JSON file a photo, named by the photo's SHA-256.

    One file each, so that two programs never overwrite each other's answer and a damaged file costs one answer only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, photo_sha256: str) -> Consent | None:
        """Give the remembered answer; a damaged record is kept aside, said and counts as none."""
        path = self._path(photo_sha256)
        try:
            return _parsed(path.read_text(encoding="utf-8"), photo_sha256)
        except FileNotFoundError:
            return None
        except OSError as error:
            _LOG.warning(
                "The consent remembered in %s cannot be read (%s), so it is asked for again.", path, cause_of(error)
            )
            return None
        except ValueError as error:
            _LOG.warning(
                "The consent record %s is damaged (%s); %s and asked for again.", path, error, _kept_aside(path)
            )
            return None

    def remember(self, consent: Consent) -> None:
        """Write the answer down in one step; where that fails, say so: the next start asks again."""
        path = self._path(consent.photo_sha256)
        record = {
            "version": _RECORD_VERSION,
            "photo_sha256": consent.photo_sha256,
            "kind": consent.kind.value,
            "given_at": consent.given_at,
        }
        try:
            write_private(path, (json.dumps(record, indent=2) + "\n").encode())
        except OSError as error:
            _LOG.warning(
                "The consent cannot be remembered in %s (%s); the next start asks again.", path, cause_of(error)
            )

    def _path(self, photo_sha256: str) -> Path:
        return self._folder / f"{photo_sha256}.json"


def consent_for(
    photo: Path, *, given: ConsentKind | None, book: ConsentBook, ask: Callable[[str], str] | None
) -> Consent:
    """Find out by what right the face in `photo` is used: from the flag, from memory, or by asking.

    Args:
        photo: the file, which is read for its SHA-256 only.
        given: what `--consent` says; it replaces what was remembered.
        book: where answers are remembered.
        ask: shows a question to a person and gives the answer; None where nobody is there to answer.

    Raises:
        UsageError: nobody said whose face it is.
    """
    sha256 = hashlib.sha256(photo.read_bytes()).hexdigest()
    remembered = book.find(sha256)
    if remembered is not None and given in {None, remembered.kind}:
        return remembered
    kind = given if given is not None else _asked(photo, ask)
    consent = Consent(sha256, kind, datetime.now(UTC).isoformat(timespec="seconds"))
    book.remember(consent)
    return consent


def _asked(photo: Path, ask: Callable[[str], str] | None) -> ConsentKind:
    kinds = list(ConsentKind)
    choices = "|".join(kind.value for kind in kinds)
    if ask is None:
        raise UsageError(
            sentence(
                "It is not known whose face is in {photo}: say it with --consent {choices}, once; it is remembered.",
                photo=repr(str(photo)),
                choices=choices,
            )
        )
    lines = [f"  {number}  {kind.value:<14} {kind.meaning}" for number, kind in enumerate(kinds, start=1)]
    question = "\n".join(
        [
            f"Whose face is in {photo.name}? Mien uses a face only where somebody has the right to it.",
            *lines,
            "Type a number or a word; it is remembered for this photo. Anything else stops.",
        ]
    )
    answer = ask(question).strip().lower()
    for number, kind in enumerate(kinds, start=1):
        if answer in {str(number), kind.value}:
            return kind
    raise UsageError(f"Without a right to the face in {str(photo)!r} it is not used; start again to answer {choices}.")


def _kept_aside(path: Path) -> str:
    """Move a damaged record out of the way without losing it, and say what became of it."""
    aside = path.with_suffix(".damaged")
    try:
        path.replace(aside)
    except OSError as error:
        return f"it stays where it is ({cause_of(error)})"
    return f"it is kept as {aside.name}"


def _parsed(text: str, photo_sha256: str) -> Consent:
    fields = json_object(text)
    if fields.get("photo_sha256") != photo_sha256:
        raise ValueError("it belongs to another photo")
    given_at = fields.get("given_at")
    if not isinstance(given_at, str):
        raise ValueError("it has no date")  # noqa: TRY004 - the content is wrong, not the caller's type
    return Consent(photo_sha256, ConsentKind(fields.get("kind")), given_at)
