"""The machine that swaps for others: it lets clients in, one after another, and gives each a session of its own."""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from mien.pipeline.metrics import resident_mb
from mien.remote.pairing import Seal, Tries, is_proved, new_nonce, proof, stretched
from mien.remote.passes import Pass, PassError
from mien.remote.protocol import (
    LARGEST_SIDE_PX,
    VERSION,
    Bye,
    Challenge,
    Hello,
    Pair,
    Paired,
    ProtocolError,
    Refused,
    Welcome,
)
from mien.remote.seats import FullError, Seat, Seats
from mien.remote.swapping import why_failed
from mien.remote.wire import ControlLine, check_version, from_client
from mien.remote.worker import Shared, WorkerSession
from mien_models.errors import MienError

_LOG = logging.getLogger(__name__)
_HELLO_S: Final = 20.0
"""A client that has not asked for a seat by then is let go."""


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


class Tenants(Protocol):
    """Knows of a tenant's sessions on other machines, too."""

    async def claim(self, seat: Seat, seats: int) -> None:
        """Take one of a tenant's seats.

        Raises:
            FullError: all of them are taken.
        """
        ...


@dataclass(slots=True, eq=False)
class Box:
    """What all sessions of a process share. Has state: seats, wrong codes, and the sessions that run."""

    credentials: Credentials
    shared: Shared
    seats: Seats
    tries: Tries = field(default_factory=Tries)
    tenants: Tenants | None = None
    """Where several machines are one fleet."""
    sessions: dict[str, WorkerSession] = field(default_factory=dict[str, WorkerSession])

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

    async def drain(self, why: str, within_s: float) -> None:
        """Let nobody new in, and send everybody elsewhere; each is swapped for until it has gone, or the time is over.

        They leave one after another, as long as that goes quickly: where all of them come, each takes its while.
        """
        self.seats.is_draining = True
        sessions, ends_s = tuple(self.sessions.values()), asyncio.get_running_loop().time() + within_s
        async with asyncio.TaskGroup() as leaving:
            for session in sessions:
                task = leaving.create_task(session.leave(why, ends_s))
                await asyncio.wait((task,), timeout=within_s / len(sessions) / 2)

    async def _serve(self, line: ControlLine) -> None:
        nonce = new_nonce()
        await line.send(Challenge(version=VERSION, nonce=nonce, name=self.credentials.name))
        async with asyncio.timeout(_HELLO_S):
            message = from_client(await line.receive())
            if isinstance(message, Pair):
                await self._pair(line, message, nonce)
                return
            if not isinstance(message, Hello):
                raise ProtocolError("Expected a greeting or a pairing first, got something else.")
            key, seat, seats = self._admit(message, nonce)
        welcome = proof(key, "welcome", message.nonce, nonce, self.credentials.fingerprint)
        try:
            if self.tenants is not None and seats:
                await self.tenants.claim(seat, seats)
            before = self.sessions.pop(seat.run, None)
            if before is not None:
                await before.end("The same run has come back on a new line.")
            taken, count = len(self.seats.taken), self.seats.count(seat.fps)
            await line.send(Welcome(proof=welcome, seats_taken=taken, seats=count, ice=tuple(self.shared.ice)))
            session = self.sessions[seat.run] = WorkerSession(self.shared, line, seat, Seal(key, message.nonce, nonce))
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

    def _admit(self, hello: Hello, nonce: str) -> tuple[bytes, Seat, int]:
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
        return key, self.seats.take(run, hello.fps, tenant=shown.tenant, tenant_seats=shown.seats), shown.seats


async def _say(line: ControlLine, message: Refused | Bye) -> None:
    try:
        await line.send(message)
    except (ConnectionError, RuntimeError):
        _LOG.debug("the client has gone before it heard why", exc_info=True)


_FPS = 30.0


def metrics_text(box: Box) -> str:
    """Write them in Prometheus' text format."""
    return "".join(
        f"# HELP {name} {what}\n# TYPE {name} {kind}\n{name} {value:g}\n" for name, what, kind, value in measures(box)
    )


def measures(box: Box) -> Iterator[tuple[str, str, str, float]]:
    """Give name, meaning, kind and value of each."""
    seats = box.seats
    yield "mien_seats_taken", "Sessions that swap now.", "gauge", len(seats.taken)
    yield "mien_seats", "Sessions of 30 frames a second that there is room for.", "gauge", seats.count(_FPS)
    yield "mien_draining", "1 while nobody new is let in.", "gauge", float(seats.is_draining)
    yield "mien_frame_ms", "What a frame takes, by the median.", "gauge", seats.frame_ms or 0.0
    yield "mien_frames_total", "Frames swapped.", "counter", seats.frames
    yield "mien_sessions_total", "Sessions let in.", "counter", seats.let_in
    yield "mien_refused_total", "Sessions refused for want of a seat.", "counter", seats.refused
    yield "mien_resident_mb", "Memory of this process.", "gauge", resident_mb()
