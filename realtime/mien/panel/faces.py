"""The faces that can be used: those of the library and the photos that were sent, with a picture of each."""

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from mien.config.choices import ConsentKind
from mien.consent.add_face import Request, add_face, face_library
from mien.consent.face_library import FaceLibrary, KeptFace
from mien.consent.records import ConsentBook
from mien.consent.terms import Scope
from mien.panel.photos import Photos, Understood
from mien_models.errors import MienError, UsageError
from mien_models.system import folders
from mien_models.system.sentence import sentence

ASTRONAUT: Final = "astronaut"
"""Key of the portrait that is used where nobody chose a face: NASA, in the public domain."""
_QUALITY: Final = 86


@dataclass(frozen=True, slots=True)
class FaceTile:
    """A face to click."""

    key: str
    """Names it in addresses of the panel."""
    name: str
    """As the user called it; '' for a photo."""
    picture: str
    """Address of its picture in the panel."""
    used_as: tuple[str, ...]
    """What the setting `face` is when it is used."""
    has_ended: bool = False
    """Whether the time for which it may be used is over."""
    kept: KeptFace | None = None
    photo: Understood | None = None

    @property
    def values(self) -> dict[str, JsonValue]:
        """What is asked of the session to use it; whose face it is, is on record."""
        return {"face": list(self.used_as), "assign": "largest"}


@dataclass
class Faces:
    """Finds faces and their pictures. Has state: the pictures of the library that were opened, in memory only."""

    photos: Photos
    _seen: frozenset[tuple[str, int]] = frozenset()
    _kept: tuple[KeptFace, ...] = ()
    _digests: dict[Path, str] = field(default_factory=dict[Path, str])
    _thumbs: dict[str, bytes | None] = field(default_factory=dict[str, bytes | None])
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def tiles(self) -> tuple[FaceTile, ...]:
        """Give what can be used now: the library's, then photos whose owner is on record, then the one for nobody."""
        kept = [one for one in self.of_library() if not one.has_ended]
        return (*kept, *self.of_photos(), self.astronaut)

    def of_library(self) -> tuple[FaceTile, ...]:
        """Give every face of the library, also those whose time is over."""
        library, kept = self._library()
        today = max(library.clock.now(), datetime.now(UTC)).astimezone().date()
        return tuple(
            FaceTile(
                _key(one),
                one.terms.name,
                f"/face/{_key(one)}.jpg",
                (one.terms.name,),
                one.terms.until is not None and one.terms.until < today,
                kept=one,
            )
            for one in kept
        )

    def _library(self) -> tuple[FaceLibrary, tuple[KeptFace, ...]]:
        """Read the records of the library where one of them is not as it was: pages ask four times a second."""
        library = face_library()
        seen = library.seen()
        if seen != self._seen or not seen:
            self._seen, self._kept = seen, library.faces()
        return library, self._kept

    def of_photos(self) -> tuple[FaceTile, ...]:
        """Give the photos that were sent and of which somebody said whose face it is."""
        return tuple(
            FaceTile(one.name, "", f"/photo/{one.name}/thumb.jpg", (one.path,), photo=one)
            for one in self.photos.usable()
            if self._is_on_record(Path(one.path))
        )

    def _is_on_record(self, photo: Path) -> bool:
        """Whether somebody said whose face it is; a photo is read once, it is never written again."""
        if photo not in self._digests:
            digest = digest_of(photo)
            if digest is None:
                return False
            self._digests[photo] = digest
        return _on_record(self._digests[photo]) is not None

    @property
    def astronaut(self) -> FaceTile:
        """The face that is used where nobody chose one."""
        return FaceTile(ASTRONAUT, ASTRONAUT, f"/face/{ASTRONAUT}.jpg", ())

    async def thumb(self, key: str) -> bytes | None:
        """Give the picture of a face of the library as JPEG; None where it cannot be opened, or is none."""
        async with self._one_at_a_time:
            if key not in self._thumbs:
                self._thumbs[key] = await asyncio.to_thread(_thumb_of, key)
        return self._thumbs[key]

    async def keep(self, photo: Understood, name: str, consent: ConsentKind) -> KeptFace:
        """Keep a photo's face in the library, encrypted.

        Raises:
            MienError: the name is taken, or no key can be kept here.
        """
        return await asyncio.to_thread(add_face, Request((photo.path,), name, consent))

    def without(self, use: Scope | None, names: Iterable[str]) -> tuple[KeptFace, ...]:
        """Give the faces of these names whose people have not agreed to a use yet."""
        library = face_library()
        found = [library.find(name) for name in names]
        return tuple(one for one in found if one is not None and use is not None and use not in one.terms.scope)

    async def agree(self, face: KeptFace, use: Scope) -> None:
        """Note that the person agreed to one more use.

        Raises:
            MienError: the face cannot be opened, or the disk does not take it.
        """
        await asyncio.to_thread(face_library().agree, face, use, can_ask=False)

    async def remove(self, key: str) -> str:
        """Destroy a face of the library and give its name; a session that uses it ends with a card.

        Raises:
            UsageError: there is none.
        """
        found = next((one for one in self.of_library() if one.key == key), None)
        if found is None or found.kept is None:
            raise UsageError(sentence("That face is not there any more."))
        self._thumbs.pop(key, None)
        await asyncio.to_thread(face_library().remove, found.kept)
        return found.name


def consent_on_record(photo: Path) -> ConsentKind | None:
    """Give by what right a photo's face is used, where somebody said so once."""
    digest = digest_of(photo)
    return None if digest is None else _on_record(digest)


def digest_of(photo: Path) -> str | None:
    """Give a photo's SHA-256; None where it cannot be read."""
    try:
        return hashlib.sha256(photo.read_bytes()).hexdigest()
    except OSError:
        return None


def _on_record(sha256: str) -> ConsentKind | None:
    found = ConsentBook(folders.data_folder() / "consents").find(sha256)
    return None if found is None else found.kind


def _key(face: KeptFace) -> str:
    return face.terms.id[:16]


def _thumb_of(key: str) -> bytes | None:
    # Not before somebody looks at a face: the first page should be there at once.
    import cv2

    from mien.panel.understanding import face_thumb
    from mien.session.source_faces import library_photos
    from mien.tracking.photo import PhotoAddress, find_faces, public_domain_photo, read_source_photo

    try:
        if key == ASTRONAUT:
            photo_bgr = read_source_photo(PhotoAddress(public_domain_photo())).photo_bgr
        else:
            name = next((one.terms.name for one in face_library().faces() if _key(one) == key), None)
            photos = None if name is None else library_photos(name, can_ask=False)
            if not photos:
                return None
            photo_bgr = photos[0].photo_bgr
        face, *_ = find_faces(photo_bgr)
    except (MienError, ValueError):
        return None
    _, data = cv2.imencode(".jpg", face_thumb(photo_bgr, face), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return data.tobytes()
