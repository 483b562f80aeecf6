"""The machine that swaps for others: one client's session, from its order to its end."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import cv2
import numpy as np

from mien.remote.pairing import OVERHEAD_BYTES, Seal
from mien.remote.protocol import (
    LARGEST_PHOTO_BYTES,
    LARGEST_PHOTO_PX,
    LARGEST_SIDE_PX,
    Answer,
    Bye,
    IceServer,
    Offer,
    Order,
    Ping,
    Pong,
    ProtocolError,
    Ready,
    Refused,
    Swapped,
)
from mien.remote.seats import Seat, Turns
from mien.remote.sent_picture import stamped, strip_rows
from mien.remote.swapping import Engine, PreparedSwap, Swapping, check_until, why_failed
from mien.remote.transport import Arrived
from mien.remote.webrtc import WebRtcTransport, ice_server
from mien.remote.wire import ControlLine, from_client, said, text_of
from mien_models.errors import MienError
from mien_models.system.freed_memory import give_back_freed_memory
from mien_models.types import BgrU8, as_u8

_SILENCE_S: Final = 10.0
"""A session without pictures for so long is over."""
_MOST_GARBAGE: Final = 20
_ASIDE: Final = 2
_NO_PHOTO: Final = (
    f"Expected a photo as PNG of at most {LARGEST_PHOTO_PX} pixels a side and {LARGEST_PHOTO_BYTES >> 20} MB, got "
    "something else."
)


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What all sessions of a process have together."""

    engine: Engine
    turns: Turns
    ice: Sequence[IceServer] = ()
    aside: Executor = field(default_factory=lambda: ThreadPoolExecutor(_ASIDE, "mien-aside"))
    """For what takes long: in asyncio's own threads pictures are encoded, and those of others would wait for it."""


class WorkerSession:
    """One client's session. Has state: its line, its pictures. Lives in one asyncio loop."""

    def __init__(self, shared: Shared, line: ControlLine, seat: Seat, seal: Seal) -> None:
        self._shared, self._line, self._seal = shared, line, seal
        self._loop = asyncio.get_running_loop()
        self._transport: WebRtcTransport | None = None
        self._swapping = Swapping(shared.turns, seat, self._on_swapped, self._on_end)
        self._garbage = 0
        self._heard_s = self._loop.time()
        self._is_preparing = False
        """Nobody sends pictures until the faces are in use, and on a machine that is busy this takes a while."""
        self._why: asyncio.Future[str] = self._loop.create_future()
        self._has_ended = asyncio.Event()

    async def run(self) -> None:
        """Work for the client until it goes.

        Raises:
            ConnectionError: it has gone.
            MienError: why it has to go.
        """
        self._transport = WebRtcTransport(self._arrive, self._hear, [ice_server(one) for one in self._shared.ice])
        self._swapping.start()
        tasks = [asyncio.create_task(work) for work in (self._listen(), self._watch(), self._ended())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._loop.run_in_executor(self._shared.aside, self._swapping.close)
            await self._transport.close()
            await self._loop.run_in_executor(self._shared.aside, give_back_freed_memory)
            self._has_ended.set()

    async def leave(self, why: str, ends_s: float) -> None:
        """Ask the client to go on elsewhere; it is swapped for until it has, or until then on the loop's clock."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout_at(ends_s):
                await self._line.send(Bye(why=why))
                await self._has_ended.wait()
        await self.end(why)

    async def end(self, why: str) -> None:
        """Tell the client to go on elsewhere, or to come again."""
        if not self._why.done():
            self._why.set_result(why)
        await asyncio.sleep(0)

    async def _ended(self) -> None:
        """Wait until somebody ends the session.

        Raises:
            MienError: why.
        """
        raise MienError(await self._why)

    async def _listen(self) -> None:
        while True:
            message = from_client(await self._line.receive())
            if isinstance(message, Offer) and self._transport is not None:
                await self._line.send(Answer(sdp=await self._transport.answer(message.sdp)))
            elif isinstance(message, Order):
                await self._take_order(message)
            else:
                raise ProtocolError("Expected an order or the picture line's offer, got something else.")

    async def _watch(self) -> None:
        """Say that the line is silent when it is."""
        while self._is_preparing or self._loop.time() - self._heard_s < _SILENCE_S:
            await asyncio.sleep(1.0)
            if self._transport is not None:
                await self._transport.measure()
        raise ProtocolError(f"No picture came for {_SILENCE_S:.0f} s.")

    async def _take_order(self, order: Order) -> None:
        photos = [self._photo(await self._line.receive()) for _ in range(order.photos)]
        self._is_preparing = True
        try:
            prepared = await self._loop.run_in_executor(self._shared.aside, self._prepare, order, tuple(photos))
        except MienError as error:
            await self._line.send(Refused(why=why_failed(error)))
            return
        finally:
            self._is_preparing, self._heard_s = False, self._loop.time()
        self._swapping.use(prepared, order.terms)
        await self._line.send(Ready(networks=dict(prepared.networks)))

    def _photo(self, content: str | bytes) -> BgrU8:
        if isinstance(content, str) or len(content) > LARGEST_PHOTO_BYTES + OVERHEAD_BYTES:
            raise ProtocolError(_NO_PHOTO)
        return _photo(self._seal.opened(content))

    def _prepare(self, order: Order, photos_bgr: tuple[BgrU8, ...]) -> PreparedSwap:
        check_until(None if order.terms.until is None else date.fromisoformat(order.terms.until))
        return self._shared.engine.prepare(order.wishes, order.terms, photos_bgr)

    def _arrive(self, arrived: Arrived) -> None:
        height, width = arrived.picture_bgr.shape[:2]
        if max(width, height - strip_rows(max(width, 64))) > LARGEST_SIDE_PX:
            self._on_end(ProtocolError(f"A picture of {width}x{height} pixels came; at most {LARGEST_SIDE_PX} a side."))
            return
        self._heard_s = self._loop.time()
        self._swapping.put(arrived)

    def _hear(self, text: str | bytes) -> None:
        try:
            message = said(text)
            if not isinstance(message, Ping):
                raise ProtocolError("Expected a question about the line, got something else.")
        except ProtocolError as error:
            self._garbage += 1
            if self._garbage >= _MOST_GARBAGE:
                self._on_end(error)
            return
        if self._transport is not None:
            stats = self._transport.stats()
            self._transport.say(
                text_of(Pong(sent_ns=message.sent_ns, encode_ms=stats.encode_ms, decode_ms=stats.decode_ms))
            )

    def _on_swapped(self, told: Swapped, picture_bgr: BgrU8 | None) -> None:
        """Give an answer; called by the thread that swaps."""
        transport = self._transport
        if transport is None:
            return
        transport.say(text_of(told))
        if picture_bgr is not None:
            transport.send(stamped(picture_bgr, told.number), time.monotonic_ns())

    def _on_end(self, error: MienError) -> None:
        def end() -> None:
            if not self._why.done():
                self._why.set_result(why_failed(error))

        self._loop.call_soon_threadsafe(end)


def _photo(content: bytes) -> BgrU8:
    """Read a photo, PNG of a size that is known before it is unpacked.

    Raises:
        ProtocolError: it is something else, or too large.
    """
    wrong = ProtocolError(_NO_PHOTO)
    if not 24 < len(content) <= LARGEST_PHOTO_BYTES or content[:8] != b"\x89PNG\r\n\x1a\n":
        raise wrong
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    if not (0 < width <= LARGEST_PHOTO_PX and 0 < height <= LARGEST_PHOTO_PX):
        raise wrong
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise wrong from error
    if image is None:
        raise wrong
    return as_u8(image)
