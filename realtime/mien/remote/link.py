"""The line to the machine that swaps, kept up whatever happens: a thread that connects, sends, listens, begins anew."""

import asyncio
import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2

from mien.pipeline.frame import Frame
from mien.remote.answers import Answers
from mien.remote.client import Greeted, RefusedError, SeatWish, UnreachableError, greeted, seated
from mien.remote.machines import Machine, parse_address
from mien.remote.pairing import Seal
from mien.remote.protocol import (
    Answer,
    Bye,
    FaceTerms,
    Offer,
    Order,
    Ping,
    Pong,
    ProtocolError,
    Ready,
    Refused,
    Swapped,
    Wishes,
)
from mien.remote.sent_picture import PictureSize, stamped
from mien.remote.transport import Arrived, LineStats, LinkState, LinkStatus
from mien.remote.webrtc import WebRtcTransport, ice_server
from mien.remote.wire import from_machine, said, text_of
from mien_models.errors import MienError
from mien_models.system.crash.edge import edge, fault
from mien_models.types import BgrU8, as_u8

_LOG = logging.getLogger(__name__)
_PING_S: Final = 0.5
_SILENCE_S: Final = 2.0
"""A line on which nothing comes back for so long is given up, and a new one begun."""
_LINE_S: Final = 30.0
"""So long a new line may take until something comes back."""
_FIRST_PAUSE_S: Final = 0.3
_LONGEST_PAUSE_S: Final = 1.0
_REFUSED_PAUSE_S: Final = 5.0
_JOIN_S: Final = 8.0
_MOST_FPS: Final = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class PackedOrder:
    """What to swap with, ready to be sent."""

    wishes: Wishes
    terms: FaceTerms
    photos_png: tuple[bytes, ...]

    @property
    def message(self) -> Order:
        """What goes before the photos."""
        return Order(wishes=self.wishes, terms=self.terms, photos=len(self.photos_png))


class RemoteLink:
    """Has state: a thread, the line of now, what is away. Any thread may call anything."""

    def __init__(
        self, machines: Sequence[Machine], order: PackedOrder, fps: float, on_state: Callable[[LinkStatus], None]
    ) -> None:
        """Take the machines, what to swap with, how many frames come, and who hears how the line does.

        Where one of the machines is away, full or about to stop, the next one is asked.
        """
        self._machines, self._fps, self._on_state = tuple(machines), min(fps, _MOST_FPS), on_state
        self._turn = 0
        self._order = order
        self._status = LinkStatus(self._name)
        self._run = secrets.token_hex(16)
        self.answers = Answers()
        self._size = PictureSize()
        self._frame_size: tuple[int, int] | None = None
        self._loop = asyncio.new_event_loop()
        self._transport: WebRtcTransport | None = None
        self._reordered = asyncio.Event()
        self._heard_s = 0.0
        self._is_new_line = True
        self._keeping: asyncio.Task[None] | None = None
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mien-remote", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def close(self) -> None:
        """End; the other machine forgets the faces."""
        self._is_closing.set()
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._cancel)
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)

    def order(self, order: PackedOrder) -> None:
        """Swap with something else from now on; of another face, nothing that the one before was put into is shown."""
        is_other_face = order.photos_png != self._order.photos_png
        self._order = order
        if is_other_face:
            self._be(LinkState.CONNECTING, "The other machine is given another face.")
            self.answers.start_over()
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._reordered.set)

    @property
    def is_ready(self) -> bool:
        """Whether frames can be sent."""
        return self._status.state is LinkState.READY

    @property
    def status(self) -> LinkStatus:
        """How it is."""
        transport, answers = self._transport, self.answers
        return replace(
            self._status,
            line=LineStats() if transport is None else transport.stats(),
            swap_ms=answers.swap_times.recent_median_ms,
            wait_ms=answers.wait_times.recent_median_ms,
            back_ms=answers.back_times.recent_median_ms,
            sent_size=self._size.sent,
            strangers=answers.strangers,
        )

    def send(self, frame: Frame) -> None:
        """Send a frame if there is a line; never waits."""
        height, width = frame.image.shape[:2]
        self._frame_size = (width, height)
        transport = self._transport
        if transport is None or not self.is_ready:
            return
        size = self._size.fitting(width, height, self._fps, transport.stats().bits_per_s)
        image = frame.image if size == (width, height) else _resized(frame.image, size)
        transport.send(stamped(image, self.answers.number(frame, size[0])), frame.captured_ns)

    def _work(self) -> None:
        with (
            edge("The line to the other machine failed", self._failed),
            # It also ends what aiortc leaves behind.
            asyncio.Runner(loop_factory=lambda: self._loop) as runner,
            contextlib.suppress(asyncio.CancelledError),
        ):
            runner.run(self._keep_up())

    def _failed(self, error: MienError) -> None:
        self._be(LinkState.REFUSED, str(error))

    def _cancel(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()

    async def _keep_up(self) -> None:
        self._keeping = asyncio.current_task()
        pause_s = _FIRST_PAUSE_S
        while not self._is_closing.is_set():
            began_s = self._loop.time()
            try:
                await self._one_line()
            except RefusedError as error:
                self._be(LinkState.REFUSED, str(error))
                pause_s = _REFUSED_PAUSE_S
            except (ProtocolError, UnreachableError) as error:
                self._be(LinkState.AWAY, str(error))
            except (OSError, TimeoutError) as error:
                _LOG.debug("the line broke", exc_info=error)
                self._be(LinkState.AWAY, f"The line to {self._status.machine} is broken; it is tried again.")
            except Exception as error:  # noqa: BLE001 - whatever breaks a line, a new one is begun
                self._be(LinkState.AWAY, str(fault(error, "The line to the other machine failed")))
            finally:
                self._transport = None
                self.answers.start_over()
            if self._next_machine():
                continue
            was_up = self._loop.time() - began_s > _LINE_S
            await asyncio.sleep(_FIRST_PAUSE_S if was_up and pause_s < _REFUSED_PAUSE_S else pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    @property
    def _machine(self) -> Machine:
        return self._machines[self._turn]

    @property
    def _name(self) -> str:
        return f"{self._machine.name} at {self._machine.address}"

    def _next_machine(self) -> bool:
        """Turn to the next machine; tell whether there is one that was not asked since the first."""
        self._turn = (self._turn + 1) % len(self._machines)
        return self._turn > 0

    async def _one_line(self) -> None:
        while self._frame_size is None:
            await asyncio.sleep(0.02)
        width, height = self._size.fitting(*self._frame_size, self._fps, None)
        self._status = replace(self._status, machine=self._name)
        async with greeted(parse_address(self._machine.address)) as greeting:
            welcome, seal = await seated(greeting, self._machine, SeatWish(self._run, width, height, self._fps))
            self._status = replace(self._status, seats=f"{welcome.seats_taken} of {welcome.seats}")
            self._is_new_line = True
            transport = WebRtcTransport(self._arrive, self._hear, [ice_server(one) for one in welcome.ice])
            try:
                await self._speak(greeting, transport, seal)
            finally:
                await transport.close()

    async def _speak(self, greeting: Greeted, transport: WebRtcTransport, seal: Seal) -> None:
        self._reordered.clear()
        await greeting.line.send(Offer(sdp=await transport.offer()))
        await self._send_order(greeting, seal)
        self._heard_s = self._loop.time() + _LINE_S - _SILENCE_S
        works = (self._listen(greeting, transport), self._ping(transport), self._reorder(greeting, seal))
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_order(self, greeting: Greeted, seal: Seal) -> None:
        order = self._order
        await greeting.line.send(order.message)
        for photo_png in order.photos_png:
            await greeting.line.send_bytes(seal.sealed(photo_png))

    async def _reorder(self, greeting: Greeted, seal: Seal) -> None:
        while True:
            await self._reordered.wait()
            self._reordered.clear()
            await self._send_order(greeting, seal)

    async def _listen(self, greeting: Greeted, transport: WebRtcTransport) -> None:
        while True:
            content = await greeting.line.receive()
            match from_machine(content):
                case Answer(sdp=sdp):
                    await transport.accept(sdp)
                case Ready(networks=networks):
                    self._status = replace(
                        self._status, networks=networks, lines=self._status.lines + self._is_new_line
                    )
                    self._transport, self._is_new_line = transport, False
                    self._heard_s = max(self._heard_s, self._loop.time())
                    self._be(LinkState.READY, f"Swapped by {self._status.machine}.")
                case Refused(why=why, is_final=is_final):
                    raise RefusedError(why, is_final=is_final)
                case Bye(why=why):
                    raise UnreachableError(why)
                case other:
                    raise ProtocolError(f"Expected an answer from the other machine, got {other.kind!r}.")

    async def _ping(self, transport: WebRtcTransport) -> None:
        """Ask how long the line takes, and give it up when nothing comes back any more."""
        while self._loop.time() - self._heard_s < _SILENCE_S:
            transport.say(text_of(Ping(sent_ns=time.monotonic_ns())))
            await asyncio.sleep(_PING_S)
            await transport.measure()
        raise UnreachableError(f"{self._status.machine} has stopped answering; it is tried again.")

    def _arrive(self, arrived: Arrived) -> None:
        self.answers.take_picture(arrived.picture_bgr)

    def _hear(self, text: str | bytes) -> None:
        try:
            message = said(text)
        except ProtocolError as error:
            _LOG.debug("garbage on the data channel", exc_info=error)
            return
        self._heard_s = max(self._heard_s, self._loop.time())
        if isinstance(message, Swapped):
            self.answers.take_told(message)
        elif isinstance(message, Pong) and self._transport is not None:
            self._transport.rtt_ms = (time.monotonic_ns() - message.sent_ns) / 1e6
            self._status = replace(self._status, box_encode_ms=message.encode_ms, box_decode_ms=message.decode_ms)

    def _be(self, state: LinkState, why: str) -> None:
        before = self._status
        self._status = replace(before, state=state, why=why)
        if (before.state, before.why) != (state, why):
            self._on_state(self._status)


def _resized(image_bgr: BgrU8, size: tuple[int, int]) -> BgrU8:
    return as_u8(cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA))
