"""How the machine with the camera greets the one that swaps: pairing once, then with its pass each time."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import aiohttp

from mien.remote.identity import any_certificate
from mien.remote.machines import Address, Machine, Machines
from mien.remote.pairing import Seal, is_proved, new_nonce, proof, stretched
from mien.remote.passes import read_carried
from mien.remote.protocol import (
    LARGEST_MESSAGE_BYTES,
    VERSION,
    Challenge,
    Hello,
    Pair,
    Paired,
    ProtocolError,
    Refused,
    Welcome,
)
from mien.remote.wire import WebSocketLine, check_version, from_machine
from mien_models.errors import MienError

PATH: Final = "/mien/1"
_CONNECT_S: Final = 3.0
_OPEN_S: Final = 5.0
_REPLY_S: Final = 10.0
_HEARTBEAT_S: Final = 8.0
"""Half of it may pass until the other side shows that it is there; pictures are watched more closely."""
_CLOSE_S: Final = 0.5
"""A machine whose line is dead does not answer a goodbye, and the next line waits for it."""
_GOODBYE_S: Final = 0.1
_NOT_NOW: Final = (429, 502, 503, 504)
"""What a proxy answers with while no machine behind it has a seat."""

M = TypeVar("M")


class UnreachableError(MienError):
    """The other machine does not answer; it may do so in a moment."""


class RefusedError(MienError):
    """The other machine does not want to; in its words."""

    def __init__(self, why: str, *, is_final: bool) -> None:
        """Take its words, and whether asking again is of no use."""
        super().__init__(why)
        self.is_final = is_final


@dataclass(frozen=True, slots=True, eq=False)
class Greeted:
    """A control line on which the machine has said its first word."""

    line: WebSocketLine
    challenge: Challenge
    fingerprint: str
    """Of the certificate that it showed."""


@asynccontextmanager
async def greeted(address: Address) -> AsyncGenerator[Greeted]:
    """Connect, and hear the machine's first word.

    Raises:
        UnreachableError: nobody answers there.
        ProtocolError: it is not Mien that answers, or one of another version.
    """
    timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_S, sock_connect=_CONNECT_S)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_let_sockets_close)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        try:
            async with asyncio.timeout(_OPEN_S):
                socket = await session.ws_connect(
                    f"https://{address}{PATH}",
                    ssl=any_certificate(),
                    heartbeat=_HEARTBEAT_S,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_S),  # pyright: ignore[reportCallIssue]  # attrs made it
                    max_msg_size=LARGEST_MESSAGE_BYTES,
                )
        except (OSError, TimeoutError, ssl.SSLError, aiohttp.ClientError) as error:
            if isinstance(error, aiohttp.WSServerHandshakeError) and error.status in _NOT_NOW:
                raise UnreachableError(f"{address} is full or about to start; it is tried again.") from error
            if isinstance(error, aiohttp.WSServerHandshakeError):
                raise ProtocolError(f"Expected 'mien serve' at {address}, something else answers there.") from error
            raise UnreachableError(
                f"Nobody answers at {address}; is 'mien serve' running there, and the network up?"
            ) from error
        try:
            line = WebSocketLine(socket)
            challenge = await hear(line, Challenge)
            check_version(challenge.version)
            yield Greeted(line, challenge, _fingerprint(socket))
        finally:
            await socket.close()


async def _let_sockets_close() -> None:
    """Wait a moment: aiohttp says goodbye to the other side, and closes its sockets after that."""
    await asyncio.sleep(_GOODBYE_S)


async def hear(line: WebSocketLine, kind: type[M]) -> M:
    """Wait for a certain message.

    Raises:
        RefusedError: the machine refuses.
        ProtocolError: something else came.
        UnreachableError: nothing came.
    """
    try:
        async with asyncio.timeout(_REPLY_S):
            content = await line.receive()
    except (TimeoutError, ConnectionError) as error:
        raise UnreachableError("The other machine has stopped answering.") from error
    message = from_machine(content)
    if isinstance(message, Refused):
        raise RefusedError(message.why, is_final=message.is_final)
    if not isinstance(message, kind):
        raise ProtocolError(f"Expected {kind.__name__.lower()!r} from the other machine, got {message.kind!r}.")
    return message


async def pair(address: Address, code: str, machines: Machines) -> Machine:
    """Pair with a machine by its code or by a pass, and remember it.

    Raises:
        UnreachableError, RefusedError, ProtocolError: it did not come to that.
        MienError: somebody in between shows another certificate, or it cannot be remembered.
    """
    passed = read_carried(code)
    async with greeted(address) as greeting:
        if passed is not None:
            fingerprint, secret_hex, pass_text = passed
            machine = Machine(str(address), greeting.challenge.name, fingerprint, pass_text, secret_hex)
            _check_same(machine, greeting)
            machines.remember(machine)
            return machine
        nonce, theirs = new_nonce(), greeting.challenge.nonce
        key = await asyncio.to_thread(stretched, code, theirs)
        mine = proof(key, "client", theirs, nonce, greeting.fingerprint)
        await greeting.line.send(Pair(version=VERSION, nonce=nonce, proof=mine))
        paired = await hear(greeting.line, Paired)
        if not is_proved(paired.proof, key, "box", nonce, theirs, greeting.fingerprint):
            raise MienError(
                f"What answers at {address} does not know the pairing code: somebody may be in between. Do not go on "
                "in this network."
            )
        machine = Machine(
            str(address), greeting.challenge.name, greeting.fingerprint, paired.pass_text, paired.secret_hex
        )
        machines.remember(machine)
        return machine


@dataclass(frozen=True, slots=True)
class SeatWish:
    """What is asked for."""

    run: str
    """Random hexadecimal digits; the same for as long as a run lasts."""
    width: int
    height: int
    fps: float


async def seated(greeting: Greeted, machine: Machine, wish: SeatWish) -> tuple[Welcome, Seal]:
    """Show the pass and take a seat; what is to be kept from whatever carries the line is sealed.

    Raises:
        RefusedError: there is none, or the pass is not taken.
        MienError: it is another machine than the one that was paired with.
    """
    _check_same(machine, greeting)
    key, nonce, theirs = bytes.fromhex(machine.secret_hex), new_nonce(), greeting.challenge.nonce
    mine = proof(key, "hello", theirs, nonce, wish.run, greeting.fingerprint)
    hello = Hello(
        version=VERSION,
        pass_text=machine.pass_text,
        nonce=nonce,
        proof=mine,
        run=wish.run,
        width=wish.width,
        height=wish.height,
        fps=wish.fps,
    )
    await greeting.line.send(hello)
    welcome = await hear(greeting.line, Welcome)
    if not is_proved(welcome.proof, key, "welcome", nonce, theirs, greeting.fingerprint):
        raise RefusedError("The other machine could not prove that it gave the pass.", is_final=True)
    return welcome, Seal(key, nonce, theirs)


def _check_same(machine: Machine, greeting: Greeted) -> None:
    if machine.fingerprint != greeting.fingerprint:
        raise RefusedError(
            f"{machine.address} shows another certificate than when you paired with it: it is another machine, was set "
            "up anew, or somebody is in between. If you know why, pair again with --pair CODE.",
            is_final=True,
        )


def _fingerprint(socket: aiohttp.ClientWebSocketResponse) -> str:
    transport = socket.get_extra_info("ssl_object")
    certificate = transport.getpeercert(binary_form=True) if isinstance(transport, ssl.SSLObject) else None
    if not certificate:
        raise ProtocolError("The other machine showed no certificate.")
    return hashlib.sha256(certificate).hexdigest()
