"""The library's folder: a folder for each face, with its terms in the clear and its photos encrypted."""

import dataclasses
import json
import logging
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mien.consent.keys import key_store, usual_store
from mien.consent.terms import ConsentError, FilterClock, Scope, Terms
from mien_models.errors import MienError, UsageError
from mien_models.system.atomic_write import write_private
from mien_models.system.causes import advice_for, cause_of
from mien_models.system.json_text import json_object, whole_number

if TYPE_CHECKING:
    from mien_models.types import BgrU8

_LOG = logging.getLogger(__name__)
_VERSION: Final = 1
_RECORD: Final = "record.json"
_NONCE_BYTES: Final = 12


class LibraryError(MienError):
    """A face that is not there, or whose files are damaged."""


@dataclass(frozen=True, slots=True)
class KeptFace:
    """One face of the library."""

    terms: Terms
    folder: Path
    photos: int
    store: str
    """'keychain' or 'passphrase'."""


class FaceLibrary:
    """Adds, finds and removes faces."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it may not be there yet."""
        self._folder = folder
        self.clock = FilterClock(folder / "latest-time")
        """By which rights end."""

    def faces(self) -> tuple[KeptFace, ...]:
        """Give every face, by name; a damaged one is said and left where it is."""
        found: list[KeptFace] = []
        for folder in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            if not folder.is_dir() or folder.name.startswith("."):
                continue
            try:
                found.append(_read(folder))
            except (OSError, ValueError, KeyError, TypeError) as error:
                _LOG.warning(
                    "The face in %s is damaged (%s) and is left out; the others are not touched.",
                    folder,
                    cause_of(error),
                )
        return tuple(sorted(found, key=lambda one: one.terms.name.casefold()))

    def find(self, name: str) -> KeptFace | None:
        """Give the face of a name, whatever its case."""
        return next((one for one in self.faces() if one.terms.name.casefold() == name.casefold()), None)

    def named(self, name: str) -> KeptFace:
        """Give the face of a name.

        Raises:
            LibraryError: there is none; the message lists the others.
        """
        found = self.find(name)
        if found is None:
            names = ", ".join(one.terms.name for one in self.faces()) or "none yet"
            raise LibraryError(f"No face is called {name!r}. There are: {names}. 'mien faces add' adds one.")
        return found

    def add(self, terms: Terms, photos_bgr: Sequence["BgrU8"]) -> KeptFace:
        """Encrypt photos under a new key and keep them with their terms; nothing is left when it fails.

        Raises:
            UsageError: the name is taken.
            FaceKeyError: no key could be kept.
            LibraryError: the disk is full or read-only.
        """
        if self.find(terms.name) is not None:
            raise UsageError(f"A face is called {terms.name!r} already; choose another name, or remove that one first.")
        return self._written(terms, photos_bgr)

    def agree(self, face: KeptFace, use: Scope) -> KeptFace:
        """Keep that a face may be used for one thing more, from now on.

        What was agreed is bound to the photos, so they are encrypted anew, under another key; the old ones go when the
        new ones are there.

        Raises:
            MienError: as `photos` and `add`; nothing has changed then.
        """
        photos_bgr = self.photos(face, can_ask=True)
        given_at = self.clock.now().isoformat(timespec="seconds")
        scope = tuple(one for one in Scope if one in {*face.terms.scope, use})
        terms = dataclasses.replace(face.terms, id=secrets.token_hex(16), given_at=given_at, scope=scope)
        kept = self._written(terms, photos_bgr)
        self.remove(face)
        return kept

    def _written(self, terms: Terms, photos_bgr: Sequence["BgrU8"]) -> KeptFace:
        store = usual_store()
        keys, folder = key_store(store, can_ask=True), self._folder / terms.id
        try:
            folder.mkdir(mode=0o700, parents=True)
            self._folder.chmod(0o700)
            key = keys.create(terms.id, folder)
            for number, photo_bgr in enumerate(photos_bgr):
                write_private(folder / _photo(number), _encrypted(key, photo_bgr, _bound_to(terms, number)))
            record = {"version": _VERSION, "photos": len(photos_bgr), "key": store, "terms": terms.as_data()}
            write_private(folder / _RECORD, (json.dumps(record, indent=2) + "\n").encode())
        except BaseException as error:
            keys.destroy(terms.id, folder)
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise LibraryError(
                    f"The face {terms.name!r} cannot be kept in {str(self._folder)!r}: {cause_of(error)}. "
                    f"{advice_for(error)}"
                ) from error
            raise
        return KeptFace(terms, folder, len(photos_bgr), store)

    def photos(self, face: KeptFace, *, can_ask: bool) -> tuple["BgrU8", ...]:
        """Decrypt the photos of a face whose time has not run out.

        Args:
            face: of this library.
            can_ask: whether somebody is there to be asked for the pass-phrase.

        Raises:
            ConsentError: its time has run out.
            FaceKeyError: its key is gone, or the pass-phrase is wrong.
            LibraryError: a photo is missing or was changed, or the terms were.
        """
        face.terms.check(self.clock.now())
        key = key_store(face.store, can_ask=can_ask).get(face.terms.id, face.folder)
        return tuple(_decrypted(key, face, number) for number in range(face.photos))

    def remove(self, face: KeptFace) -> None:
        """Destroy the key, then the files: without the key, what a disk may still hold is noise."""
        try:
            key_store(face.store, can_ask=False).destroy(face.terms.id, face.folder)
        finally:
            (face.folder / _RECORD).unlink(missing_ok=True)
            shutil.rmtree(face.folder, ignore_errors=True)

    def check(self, face: KeptFace) -> None:
        """Refuse a face that was removed, changed or whose time has run out; for runs that use it.

        Raises:
            ConsentError: one of these.
            LibraryError: the disk does not answer now: nothing is known.
        """
        try:
            terms = _read(face.folder).terms
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError) as error:
            raise ConsentError(
                f"The face {face.terms.name!r} was removed from the library, so it is not used any longer."
            ) from error
        except OSError as error:
            raise LibraryError(
                f"Whether {face.terms.name!r} may still be used cannot be read in {str(face.folder)!r}: "
                f"{error.strerror}. It is tried again."
            ) from error
        if terms != face.terms:
            raise ConsentError(
                f"What was agreed about {face.terms.name!r} has changed, so it is not used any longer; start again."
            )
        terms.check(self.clock.now())


def _read(folder: Path) -> KeptFace:
    record = json_object((folder / _RECORD).read_text(encoding="utf-8"))
    if record["version"] != _VERSION:
        raise ValueError(f"it is of version {record['version']}, this program reads {_VERSION}")
    terms = Terms.from_data(record["terms"])
    if terms.id != folder.name:
        raise ValueError("it belongs to another folder")
    photos = whole_number(record["photos"])
    if photos < 1:
        raise ValueError("it has no photos")
    return KeptFace(terms, folder, photos, str(record["key"]))


def _photo(number: int) -> str:
    return f"photo-{number}.bin"


def _bound_to(terms: Terms, number: int) -> bytes:
    return terms.signer + number.to_bytes(2, "big")


def _encrypted(key: bytes, photo_bgr: "BgrU8", bound_to: bytes) -> bytes:
    import cv2
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    done, png = cv2.imencode(".png", photo_bgr)
    if not done:
        raise LibraryError("The photo could not be packed; take another one.")
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, png.tobytes(), bound_to)


def _decrypted(key: bytes, face: KeptFace, number: int) -> "BgrU8":
    import cv2
    import numpy as np
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from mien_models.types import as_u8

    path = face.folder / _photo(number)
    try:
        content = path.read_bytes()
        png = AESGCM(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], _bound_to(face.terms, number))
    except (OSError, ValueError, InvalidTag) as error:
        raise LibraryError(
            f"A photo of {face.terms.name!r} is missing, cut off or changed, or its record was; remove it and add it "
            "anew. The others are not touched."
        ) from error
    photo = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    if photo is None:
        raise LibraryError(f"A photo of {face.terms.name!r} cannot be read; remove the face and add it anew.")
    return as_u8(photo)
