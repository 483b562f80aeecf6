"""The cameras and microphones of this computer, as pages show them: a camera by a picture, or by why there is none."""

import asyncio
import base64
import hashlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mien.panel.aside import answer_of
from mien.panel.link import SessionLink
from mien_models.errors import MienError

SYNTHETIC: Final = "synthetic"
_SHOT_S: Final = 30.0
_WIDTH: Final = 320
_LONGEST_S: Final = 20.0
_FRESH_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class CameraTile:
    """One camera."""

    address: str
    name: str
    """As its maker calls it; '' for the synthetic one."""
    is_denied: bool = False
    is_virtual: bool = False

    @property
    def key(self) -> str:
        """A name for addresses of pages that says nothing of the machine."""
        return hashlib.sha256(self.address.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Shot:
    """What a camera shows."""

    jpeg: bytes | None
    fault: str | None = None


class Cameras:
    """Finds cameras and takes their pictures. Has state: the last picture of each."""

    def __init__(self, link: SessionLink) -> None:
        self._link = link
        self._one_at_a_time = asyncio.Lock()
        self._shots: dict[str, Shot] = {}

    async def tiles(self) -> tuple[CameraTile, ...]:
        """List the cameras, the synthetic one last."""
        from mien.media.devices.cameras import cameras

        found = await asyncio.to_thread(cameras)
        real = tuple(CameraTile(one.address, one.name, one.is_denied, one.is_virtual) for one in found)
        return (*real, CameraTile(SYNTHETIC, ""))

    async def address_of(self, key: str) -> str | None:
        """Give the camera that a key means, among those that are there."""
        return next((tile.address for tile in await self.tiles() if tile.key == key), None)

    async def shot(self, address: str, *, anew: bool = False) -> Shot:
        """Give a picture of a camera: of the one in use what the session sees, else one is opened for a moment."""
        status = self._link.status
        if status is not None and _is_in_use(address, status.camera):
            return await self._seen_by_session()
        if anew or address not in self._shots:
            async with self._one_at_a_time:
                self._shots[address] = await self._taken(address)
        return self._shots[address]

    async def _seen_by_session(self) -> Shot:
        try:
            reply = await self._link.ask(lambda client: client.preview(_WIDTH, with_camera=True))
        except MienError as error:
            return Shot(None, str(error))
        picture = reply.camera_jpeg or reply.jpeg
        return Shot(None if picture is None else base64.b64decode(picture))

    async def _taken(self, address: str) -> Shot:
        with tempfile.TemporaryDirectory(prefix="mien-") as folder:
            file = Path(folder) / "shot.jpg"
            try:
                await answer_of("mien.panel.aside", "shot", address, str(file), seconds=_SHOT_S)
                return Shot(await asyncio.to_thread(file.read_bytes))
            except (MienError, OSError) as error:
                return Shot(None, str(error))


def camera_shown(address: str) -> str:
    """Write a camera's address without folders of the user's disk, and without what a URL keeps secret."""
    if "://" in address:
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.hostname or ''}"
    return Path(address).name or address


def _is_in_use(address: str, used: str) -> bool:
    return address == used


class Microphones:
    """Finds microphones. Has state: those that were found last, and when."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._looked_s = float("-inf")
        self.names: tuple[str, ...] = ()
        """Each as the setting `microphone` takes it."""
        self.trouble = ""
        """Why they cannot be listed, in a sentence."""

    async def look(self) -> None:
        """Look which are plugged in, unless that was done a moment ago."""
        async with self._one_at_a_time:
            if time.monotonic() - self._looked_s < _FRESH_S:
                return
            try:
                found = await answer_of("mien.panel.aside", "microphones", seconds=_LONGEST_S)
                self.names, self.trouble = tuple(map(str, found["names"])), ""
            except MienError as error:
                self.trouble = str(error)
            self._looked_s = time.monotonic()
