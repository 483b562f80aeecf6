"""The library's folder: a folder for each face, with its terms in the clear and its photos encrypted."""

import contextlib
import json
import logging
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mien.consent.keys import key_store, usual_store
from mien.consent.terms import ConsentError, FilterClock, Scope, Terms
from mien_models.errors import MienError, UsageError
from mien_models.system.atomic_write import write_private
from mien_models.system.causes import advice_for, cause_of
from mien_models.system.json_text import json_object, whole_number
from mien_models.system.sentence import sentence

if TYPE_CHECKING:
    from mien_models.types import BgrU8

_LOG = logging.getLogger(__name__)
_VERSION: Final = 1
_RECORD: Final = "record.json"
_NONCE_BYTES: Final = 12
_FILES: Final = "photo"


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
    files: str = _FILES
    """What the names of its photos' files begin with."""

    def photo(self, number: int) -> Path:
        """Give the file of a photo."""
        return self.folder / f"{self.files}-{number}.bin"


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

    def seen(self) -> frozenset[tuple[str, int]]:
        """Give each face's folder with when it was changed last: the same while nothing was added or changed."""
        try:
            with os.scandir(self._folder) as found:
                return frozenset((one.name, one.stat().st_mtime_ns) for one in found if one.is_dir())
        except OSError:
            return frozenset()

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
            raise UsageError(
                sentence(
                    "A face is called {name} already; choose another name, or remove that one first.",
                    name=repr(terms.name),
                )
            )
        store = usual_store()
        keys, folder = key_store(store, can_ask=True), self._folder / terms.id
        try:
            folder.mkdir(mode=0o700, parents=True)
            self._folder.chmod(0o700)
            key = keys.create(terms.id, folder)
            kept = KeptFace(terms, folder, len(photos_bgr), store)
            _write(kept, key, photos_bgr)
        except BaseException as error:
            keys.destroy(terms.id, folder)
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise LibraryError(
                    f"The face {terms.name!r} cannot be kept in {str(self._folder)!r}: {cause_of(error)}. "
                    f"{advice_for(error)}"
                ) from error
            raise
        return kept

    def agree(self, face: KeptFace, use: Scope, *, can_ask: bool = True) -> KeptFace:
        """Note that the person agreed to one more use; a run that has the face goes on.

        Args:
            face: of this library.
            use: what they agreed to.
            can_ask: whether somebody is there to be asked for the pass-phrase.

        Raises:
            MienError: as `photos`, or the disk does not take it; then nothing has changed.
        """
        scope = tuple(one for one in Scope if one is use or one in face.terms.scope)
        given_at = self.clock.now().isoformat(timespec="seconds")
        # The photos are bound to the terms: they are written anew beside the old ones, then the record names those.
        files = f"{_FILES}-{secrets.token_hex(4)}"
        agreed = replace(face, terms=replace(face.terms, scope=scope, given_at=given_at), files=files)
        photos_bgr = self.photos(face, can_ask=can_ask)
        key = key_store(face.store, can_ask=can_ask).get(face.terms.id, face.folder)
        try:
            _write(agreed, key, photos_bgr)
        except OSError as error:
            for number in range(face.photos):
                agreed.photo(number).unlink(missing_ok=True)
            raise LibraryError(
                f"What was agreed about {face.terms.name!r} cannot be written: {cause_of(error)}. {advice_for(error)}"
            ) from error
        for number in range(face.photos):
            face.photo(number).unlink(missing_ok=True)
        return agreed

    def allow(self, face: KeptFace, use: Scope) -> None:
        """Refuse a use that was not agreed to, by what is on record now.

        Raises:
            ConsentError: it was not.
            MienError: the record was changed by hand, or cannot be opened.
        """
        now = face
        if use not in face.terms.scope:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                now = _read(face.folder)
        if now.terms != face.terms:
            self.photos(now, can_ask=False)  # which no other terms than those they are bound to open
        now.terms.allow(use)

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
                sentence(
                    "The face {name} was removed from the library, so it is not used any longer.",
                    name=repr(face.terms.name),
                )
            ) from error
        except OSError as error:
            raise LibraryError(
                f"Whether {face.terms.name!r} may still be used cannot be read in {str(face.folder)!r}: "
                f"{error.strerror}. It is tried again."
            ) from error
        # More than was agreed before is no reason to end.
        as_before = replace(terms, scope=face.terms.scope, given_at=face.terms.given_at)
        if as_before != face.terms or not set(face.terms.scope) <= set(terms.scope):
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
    files = str(record.get("files", _FILES))
    if not all(one.isalnum() or one == "-" for one in files):
        raise ValueError("it names no files")
    return KeptFace(terms, folder, photos, str(record["key"]), files)


def _write(face: KeptFace, key: bytes, photos_bgr: Sequence["BgrU8"]) -> None:
    """Write the photos, then the record, which makes them count."""
    for number, photo_bgr in enumerate(photos_bgr):
        write_private(face.photo(number), _encrypted(key, photo_bgr, _bound_to(face.terms, number)))
    record = {
        "version": _VERSION,
        "photos": len(photos_bgr),
        "key": face.store,
        "files": face.files,
        "terms": face.terms.as_data(),
    }
    write_private(face.folder / _RECORD, (json.dumps(record, indent=2) + "\n").encode())


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

    path = face.photo(number)
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
