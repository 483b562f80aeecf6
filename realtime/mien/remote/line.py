"""One line to a machine that swaps: greeted, seated, given its order, and kept until it breaks or is not needed."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

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
from mien.remote.transport import Arrived
from mien.remote.webrtc import WebRtcTransport, ice_server
from mien.remote.wire import from_machine, said, text_of

_LOG = logging.getLogger(__name__)
_PING_S: Final = 0.5
_FIRST_PING_S: Final = 0.1
_SILENCE_S: Final = 2.0
"""A line on which nothing comes back for so long is given up."""
_LINE_S: Final = 30.0
"""So long it may be silent until it is in use."""


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


class Line:
    """Has state: what was said on it. Lives in one asyncio loop; any thread may read what it offers."""

    def __init__(
        self, machine: Machine, order: PackedOrder, answers: Answers, on_ready: Callable[["Line"], None]
    ) -> None:
        """Take whom to connect to, what to swap with, where answers go, and who hears that it may be sent to."""
        self._machine, self._answers, self._on_ready = machine, answers, on_ready
        self.order = order
        self.name = f"{machine.name} at {machine.address}"
        self.seats = ""
        """Such as '2 of 3'."""
        self.networks: Mapping[str, str] = {}
        self.there_encode_ms: float | None = None
        self.there_decode_ms: float | None = None
        self.transport: WebRtcTransport | None = None
        self.is_to_leave = asyncio.Event()
        """Set once the machine wants us to go on elsewhere; it swaps until we have, or until it ends."""
        self._why_leave: str | None = None
        self._is_reordered = asyncio.Event()
        self._orders = 0
        """Sent, and not in use yet."""
        self._is_open = False
        """Whether anything has come back beside the pictures: their way exists."""
        self._is_in_use = False
        self._heard_s = 0.0

    def reorder(self, order: PackedOrder) -> None:
        """Swap with something else; called in the loop."""
        self.order = order
        self._is_reordered.set()

    async def run(self, wish: SeatWish) -> None:
        """Connect, and keep the line up.

        Raises:
            UnreachableError, RefusedError, ProtocolError, OSError: why it has ended.
        """
        try:
            async with greeted(parse_address(self._machine.address)) as greeting:
                welcome, seal = await seated(greeting, self._machine, wish)
                self.seats = f"{welcome.seats_taken} of {welcome.seats}"
                servers = [ice_server(one) for one in welcome.ice]
                self.transport = WebRtcTransport(self._arrive, self._hear, servers)
                try:
                    await self._speak(greeting, self.transport, seal)
                finally:
                    await self.transport.close()
        except (OSError, TimeoutError) as error:
            if self._why_leave is None:
                raise
            raise UnreachableError(self._why_leave) from error

    async def _speak(self, greeting: Greeted, transport: WebRtcTransport, seal: Seal) -> None:
        await greeting.line.send(Offer(sdp=await transport.offer()))
        self._is_reordered.set()
        loop = asyncio.get_running_loop()
        self._heard_s = loop.time()
        works = (self._listen(greeting, transport), self._ping(transport), self._send_orders(greeting, seal))
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_orders(self, greeting: Greeted, seal: Seal) -> None:
        while True:
            await self._is_reordered.wait()
            self._is_reordered.clear()
            order = self.order
            self._orders += 1
            await greeting.line.send(order.message)
            for photo_png in order.photos_png:
                await greeting.line.send_bytes(seal.sealed(photo_png))

    async def _listen(self, greeting: Greeted, transport: WebRtcTransport) -> None:
        while True:
            content = await greeting.line.receive()
            match from_machine(content):
                case Answer(sdp=sdp):
                    await transport.accept(sdp)
                case Ready(networks=networks):
                    self._be_ready(networks)
                case Refused(why=why, is_final=is_final):
                    raise RefusedError(why, is_final=is_final)
                case Bye(why=why):
                    self._why_leave = why
                    self.is_to_leave.set()
                case other:
                    raise ProtocolError(f"Expected an answer from the other machine, got {other.kind!r}.")

    def _be_ready(self, networks: Mapping[str, str]) -> None:
        self._orders -= 1
        self.networks = networks
        self._tell()

    def _tell(self) -> None:
        """Tell that pictures may be sent once their way exists and the newest order is in use."""
        if self._is_open and self._orders == 0 and not self._is_reordered.is_set():
            self._is_in_use = True
            self._on_ready(self)

    async def _ping(self, transport: WebRtcTransport) -> None:
        """Ask how long the line takes, and give it up when nothing comes back any more."""
        loop = asyncio.get_running_loop()
        while loop.time() - self._heard_s < (_SILENCE_S if self._is_in_use else _LINE_S):
            transport.say(text_of(Ping(sent_ns=time.monotonic_ns())))
            await asyncio.sleep(_PING_S if self._is_open else _FIRST_PING_S)
            await transport.measure()
        raise UnreachableError(f"{self.name} has stopped answering; it is tried again.")

    def _arrive(self, arrived: Arrived) -> None:
        self._answers.take_picture(arrived.picture_bgr)

    def _hear(self, text: str | bytes) -> None:
        try:
            message = said(text)
        except ProtocolError as error:
            _LOG.debug("garbage on the data channel", exc_info=error)
            return
        self._heard_s = asyncio.get_running_loop().time()
        if not self._is_open:
            self._is_open = True
            self._tell()
        if isinstance(message, Swapped):
            self._answers.take_told(message)
        elif isinstance(message, Pong) and self.transport is not None:
            self.transport.rtt_ms = (time.monotonic_ns() - message.sent_ns) / 1e6
            self.there_encode_ms, self.there_decode_ms = message.encode_ms, message.decode_ms
