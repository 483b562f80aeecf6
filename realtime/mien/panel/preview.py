"""The picture in the browser: one JPEG in flight over a WebSocket, smaller and rarer when the stream has to wait."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, TypeAdapter
from starlette.websockets import WebSocket, WebSocketDisconnect

from mien.panel.guard import IS_OWN
from mien.panel.link import SessionLink
from mien.panel.status import RunView
from mien.session.client import SessionClient
from mien.session.messages import PreviewReply
from mien_models.errors import MienError

_SENT, _CAMERA = b"s", b"c"
_NO_SESSION_S: Final = 0.5
_LONGEST_ASK: Final = 200
_MOST_PREVIEWS: Final = 6
_OLD_INTERVALS: Final = 2.0
"""Frames that are older than so many intervals tell that the machine has no time to spare; the session sheds its own
load at 2.5."""


@dataclass(frozen=True, slots=True)
class Level:
    """How much preview there is."""

    width: int
    fps: float


LEVELS: Final[Sequence[Level]] = (Level(960, 20), Level(640, 15), Level(480, 10), Level(400, 6), Level(320, 2))
_BEGINS: Final = 1
_DOWN_AFTER: Final = 3
_UP_AFTER: Final = 60
"""Pictures in a row: down within a moment, up again after a good while."""


class Adaptation:
    """Chooses the level. Has state: where it is, and for how long things have been so."""

    def __init__(self) -> None:
        self._place = _BEGINS
        self._bad = self._good = 0

    @property
    def level(self) -> Level:
        """How much preview there may be now."""
        return LEVELS[self._place]

    def look(self, run: RunView | None) -> None:
        """Look at the run once for each picture."""
        if run is not None and is_late(run):
            self._bad, self._good = self._bad + 1, 0
        else:
            self._bad, self._good = 0, self._good + 1
        if self._bad >= _DOWN_AFTER and self._place + 1 < len(LEVELS):
            self._place, self._bad = self._place + 1, 0
        elif self._good >= _UP_AFTER and self._place > 0:
            self._place, self._good = self._place - 1, 0


def is_late(run: RunView) -> bool:
    """Whether the stream has no time to spare: frames wait, or something was left out to save time."""
    if run.shed:
        return True
    if run.recent_age_ms is None or not run.fps_in:
        return False
    return run.recent_age_ms > _OLD_INTERVALS * 1000 / run.fps_in


class Previews:
    """Serves the preview. Has state: how many are open; those that are too many are refused."""

    def __init__(self, link: SessionLink) -> None:
        self._link, self._open = link, 0

    async def __call__(self, socket: WebSocket) -> None:
        """Serve one browser until it goes; it asks for each picture, so none is sent that nobody draws."""
        if self._open >= _MOST_PREVIEWS:
            await socket.close(1013)
            return
        await socket.accept()
        self._open += 1
        try:
            await self._serve(socket)
        except (WebSocketDisconnect, ValueError, RuntimeError):
            pass
        finally:
            self._open -= 1

    async def _serve(self, socket: WebSocket) -> None:
        adaptation = Adaptation()
        wish = await _next_wish(socket)
        while True:
            try:
                async with _connected(self._link) as client:
                    newest = -1
                    while True:
                        newest = await self._picture_after(socket, client, wish, adaptation, newest)
                        wish = await _next_wish(socket)
            except MienError:
                await socket.send_text(json.dumps({"session": False}))
                wish = await _next_wish(socket)
                await asyncio.sleep(_NO_SESSION_S)

    async def _picture_after(
        self, socket: WebSocket, client: SessionClient, wish: "_Wish", adaptation: Adaptation, newest: int
    ) -> int:
        """Send the next picture that is newer; give its number."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        level = adaptation.level
        width = max(min(wish.width, level.width), 16)
        while True:
            reply = await asyncio.to_thread(client.preview, width, newer_than=newest, with_camera=wish.with_camera)
            if reply.jpeg is not None:
                break
            newest = -1 if reply.index < newest else newest
            await asyncio.sleep(0.5 / level.fps)
        await _send(socket, reply)
        status = self._link.status
        adaptation.look(None if status is None else status.run)
        await asyncio.sleep(max(1 / level.fps - (loop.time() - began_s), 0))
        return reply.index


class _Asked(BaseModel):
    """What a browser sends."""

    width: int
    camera: bool = False


_ASKED: Final = TypeAdapter(_Asked)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a browser asks for."""

    width: int
    with_camera: bool

    @classmethod
    def of(cls, text: str, *, is_own: bool) -> "_Wish":
        """Read a wish; the camera's own picture is for the person at this machine alone.

        Raises:
            ValueError: it is none.
        """
        if len(text) > _LONGEST_ASK:
            raise ValueError("a wish is short")
        given = _ASKED.validate_json(text)
        return cls(min(max(given.width, 16), 1920), is_own and given.camera)


@contextlib.asynccontextmanager
async def _connected(link: SessionLink) -> AsyncGenerator[SessionClient]:
    client = link.client()
    await asyncio.to_thread(client.__enter__)
    try:
        yield client
    finally:
        client.__exit__(None, None, None)


async def _next_wish(socket: WebSocket) -> _Wish:
    return _Wish.of(await socket.receive_text(), is_own=bool(socket.scope.get(IS_OWN)))


async def _send(socket: WebSocket, reply: PreviewReply) -> None:
    if reply.camera_jpeg is not None:
        await socket.send_bytes(_CAMERA + base64.b64decode(reply.camera_jpeg))
    await socket.send_bytes(_SENT + base64.b64decode(reply.jpeg or ""))
