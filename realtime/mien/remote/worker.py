"""The machine that swaps for others: it lets clients in, one after another, and gives each a session of its own."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import cv2
import numpy as np

from mien.remote.control import ControlLine
from mien.remote.pairing import Tries, is_proved, new_nonce, proof, stretched
from mien.remote.passes import Pass, PassError
from mien.remote.protocol import (
    LARGEST_PHOTO_BYTES,
    LARGEST_PHOTO_PX,
    LARGEST_SIDE_PX,
    VERSION,
    Answer,
    Bye,
    Challenge,
    Hello,
    IceServer,
    Offer,
    Order,
    Pair,
    Paired,
    Ping,
    Pong,
    ProtocolError,
    Ready,
    Refused,
    Swapped,
    Welcome,
    check_version,
    from_client,
    said,
    text_of,
)
from mien.remote.seats import FullError, Seat, Seats, Turns
from mien.remote.stamp import stamped, strip_rows
from mien.remote.swapping import Engine, PreparedSwap, Swapping, check_until, why_failed
from mien.remote.transport import Arrived
from mien.remote.webrtc import WebRtcTransport, ice_server
from mien_models.errors import MienError
from mien_models.types import BgrU8, as_u8

_LOG = logging.getLogger(__name__)
_HELLO_S: Final = 20.0
"""A client that has not asked for a seat by then is let go."""
_SILENCE_S: Final = 10.0
"""A session without pictures for so long is over."""
_MOST_GARBAGE: Final = 20


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a machine proves itself with, and what it asks for."""

    fingerprint: str
    """Of the certificate that clients see; '' where something in front of it encrypts."""
    secret: bytes
    """Signs passes."""
    code: str | None
    """For pairing; None where only passes count."""
    name: str


@dataclass(slots=True, eq=False)
class Box:
    """What all sessions of a process share. Has state: seats, wrong codes, and the sessions that run."""

    credentials: Credentials
    engine: Engine
    seats: Seats
    turns: Turns
    ice: Sequence[IceServer] = ()
    tries: Tries = field(default_factory=Tries)
    sessions: "dict[str, WorkerSession]" = field(default_factory=dict[str, "WorkerSession"])

    async def serve(self, line: ControlLine) -> None:
        """Speak with one client until it goes; whatever it says, it hears one sentence, and the others nothing."""
        try:
            await self._serve(line)
        except ConnectionError:
            pass
        except TimeoutError:
            await _say(line, Refused(why="Nothing was said for too long; connect again."))
        except PassError as error:
            await _say(line, Refused(why=str(error), is_final=True))
        except (FullError, ProtocolError) as error:
            await _say(line, Refused(why=str(error)))
        except MienError as error:
            await _say(line, Bye(why=str(error)))
        except Exception as error:  # noqa: BLE001 - the edge of a session: the others go on
            await _say(line, Refused(why=why_failed(error)))
        finally:
            await line.close()

    async def drain(self, why: str) -> None:
        """Let nobody new in, and tell everybody to go on elsewhere."""
        self.seats.is_draining = True
        for session in tuple(self.sessions.values()):
            await session.end(why)

    async def _serve(self, line: ControlLine) -> None:
        nonce = new_nonce()
        await line.send(Challenge(version=VERSION, nonce=nonce, name=self.credentials.name))
        async with asyncio.timeout(_HELLO_S):
            message = _client_says(await line.receive())
            if isinstance(message, Pair):
                await self._pair(line, message, nonce)
                return
            if not isinstance(message, Hello):
                raise ProtocolError("Expected a greeting or a pairing first, got something else.")
            key, seat = self._admit(message, nonce)
        welcome = proof(key, "welcome", message.nonce, nonce, self.credentials.fingerprint)
        try:
            before = self.sessions.pop(seat.run, None)
            if before is not None:
                await before.end("The same run has come back on a new line.")
            taken, count = len(self.seats.taken), self.seats.count(seat.fps)
            await line.send(Welcome(proof=welcome, seats_taken=taken, seats=count, ice=tuple(self.ice)))
            session = self.sessions[seat.run] = WorkerSession(self, line, seat)
            _LOG.info("A session begins: %d of %d seats.", len(self.seats.taken), self.seats.count(seat.fps))
            try:
                await session.run()
            finally:
                if self.sessions.get(seat.run) is session:
                    del self.sessions[seat.run]
        finally:
            self.seats.leave(seat)
            _LOG.info("A session has ended: %d of %d seats.", len(self.seats.taken), self.seats.count(seat.fps))

    async def _pair(self, line: ControlLine, message: Pair, nonce: str) -> None:
        check_version(message.version)
        mine = self.credentials
        if mine.code is None:
            raise PassError("This machine pairs with nobody; ask whoever runs it for a pass.")
        if self.tries.wait_s > 0:
            raise PassError(f"Too many wrong pairing codes were tried; wait {self.tries.wait_s:.0f} s, then try again.")
        # Counted before it is checked: many at once are many tries.
        self.tries.fail()
        key = await asyncio.to_thread(stretched, mine.code, nonce)
        if not is_proved(message.proof, key, "client", nonce, message.nonce, mine.fingerprint):
            _LOG.warning("Somebody tried a wrong pairing code.")
            raise PassError("That is not the pairing code of this machine; read it again where 'mien serve' runs.")
        self.tries.forgive()
        made = Pass.new()
        mine_too = proof(key, "box", message.nonce, nonce, mine.fingerprint)
        await line.send(Paired(proof=mine_too, pass_text=made.text, secret_hex=made.secret(mine.secret).hex()))
        _LOG.info("Paired with another machine.")

    def _admit(self, hello: Hello, nonce: str) -> tuple[bytes, Seat]:
        check_version(hello.version)
        shown = Pass.read(hello.pass_text)
        key = shown.secret(self.credentials.secret)
        if not is_proved(hello.proof, key, "hello", nonce, hello.nonce, hello.run, self.credentials.fingerprint):
            raise PassError("The pass is not one of this machine; pair with it again.")
        if max(hello.width, hello.height) > LARGEST_SIDE_PX:
            raise PassError(
                f"Pictures of at most {LARGEST_SIDE_PX} pixels a side are swapped here, not of {hello.width}x"
                f"{hello.height}; ask your camera for less with --size."
            )
        # The id keeps one client from taking the seat of another by its run's name.
        run = f"{shown.id}/{hello.run}"
        return key, self.seats.take(run, hello.fps, tenant=shown.tenant, tenant_seats=shown.seats)


class WorkerSession:
    """One client's session. Has state: its line, its pictures. Lives in one asyncio loop."""

    def __init__(self, box: Box, line: ControlLine, seat: Seat) -> None:
        self._box, self._line = box, line
        self._loop = asyncio.get_running_loop()
        self._transport: WebRtcTransport | None = None
        self._swapping = Swapping(box.turns, seat, self._on_swapped, self._on_end)
        self._garbage = 0
        self._heard_s = self._loop.time()
        self._why: asyncio.Future[str] = self._loop.create_future()

    async def run(self) -> None:
        """Work for the client until it goes.

        Raises:
            ConnectionError: it has gone.
            MienError: why it has to go.
        """
        self._transport = WebRtcTransport(self._arrive, self._hear, [ice_server(one) for one in self._box.ice])
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
            await asyncio.to_thread(self._swapping.close)
            await self._transport.close()

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
            message = _client_says(await self._line.receive())
            if isinstance(message, Offer) and self._transport is not None:
                await self._line.send(Answer(sdp=await self._transport.answer(message.sdp)))
            elif isinstance(message, Order):
                await self._take_order(message)
            else:
                raise ProtocolError("Expected an order or the picture line's offer, got something else.")

    async def _watch(self) -> None:
        """Say that the line is silent when it is."""
        while self._loop.time() - self._heard_s < _SILENCE_S:
            await asyncio.sleep(1.0)
            if self._transport is not None:
                await self._transport.measure()
        raise ProtocolError(f"No picture came for {_SILENCE_S:.0f} s.")

    async def _take_order(self, order: Order) -> None:
        photos = [_photo(await self._line.receive()) for _ in range(order.photos)]
        try:
            prepared = await asyncio.to_thread(self._prepare, order, tuple(photos))
        except MienError as error:
            await self._line.send(Refused(why=why_failed(error)))
            return
        self._swapping.use(prepared, order.terms)
        await self._line.send(Ready(networks=dict(prepared.networks)))

    def _prepare(self, order: Order, photos_bgr: tuple[BgrU8, ...]) -> PreparedSwap:
        check_until(None if order.terms.until is None else date.fromisoformat(order.terms.until))
        return self._box.engine.prepare(order.wishes, order.terms, photos_bgr)

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


def _client_says(content: str | bytes) -> Pair | Hello | Order | Offer:
    if isinstance(content, bytes):
        raise ProtocolError("Expected one of Mien's messages as JSON, got bytes.")
    return from_client(content)


def _photo(content: str | bytes) -> BgrU8:
    """Read a photo, PNG of a size that is known before it is unpacked.

    Raises:
        ProtocolError: it is something else, or too large.
    """
    wrong = ProtocolError(
        f"Expected a photo as PNG of at most {LARGEST_PHOTO_PX} pixels a side and {LARGEST_PHOTO_BYTES >> 20} MB, got "
        "something else."
    )
    if isinstance(content, str) or not 24 < len(content) <= LARGEST_PHOTO_BYTES or content[:8] != b"\x89PNG\r\n\x1a\n":
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


async def _say(line: ControlLine, message: Refused | Bye) -> None:
    try:
        await line.send(message)
    except (ConnectionError, RuntimeError):
        _LOG.debug("the client has gone before it heard why", exc_info=True)
