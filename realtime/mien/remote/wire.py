"""How messages are read and written, and the line that carries them, whole, one after another.

What comes is checked as a whole, and what is wrong with it is one sentence.
"""

import asyncio
from typing import Annotated, Final, Protocol, TypeAlias

from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.web import WebSocketResponse
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from mien.remote.protocol import (
    LARGEST_SAYING_BYTES,
    VERSION,
    Answer,
    Bye,
    Challenge,
    Hello,
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
)
from mien_models.system.printable import in_one_line

FromClient: TypeAlias = Annotated[Pair | Hello | Order | Offer, Field(discriminator="kind")]
FromMachine: TypeAlias = Annotated[
    Challenge | Paired | Welcome | Answer | Ready | Refused | Bye, Field(discriminator="kind")
]
Said: TypeAlias = Annotated[Swapped | Ping | Pong, Field(discriminator="kind")]

_FROM_CLIENT: Final[TypeAdapter[Pair | Hello | Order | Offer]] = TypeAdapter(FromClient)
_FROM_MACHINE: Final[TypeAdapter[Challenge | Paired | Welcome | Answer | Ready | Refused | Bye]] = TypeAdapter(
    FromMachine
)
_SAID: Final[TypeAdapter[Swapped | Ping | Pong]] = TypeAdapter(Said)
_SEND_S: Final = 5.0


def text_of(message: BaseModel) -> str:
    """Write a message as it is sent."""
    return message.model_dump_json()


def from_client(content: str | bytes) -> Pair | Hello | Order | Offer:
    """Read what a client says on the control line.

    Raises:
        ProtocolError: it is no such message.
    """
    try:
        return _FROM_CLIENT.validate_json(_text(content))
    except (ValidationError, ValueError) as error:
        raise ProtocolError(_sentence(error)) from error


def from_machine(content: str | bytes) -> Challenge | Paired | Welcome | Answer | Ready | Refused | Bye:
    """Read what a machine says on the control line.

    Raises:
        ProtocolError: it is no such message.
    """
    try:
        return _FROM_MACHINE.validate_json(_text(content))
    except (ValidationError, ValueError) as error:
        raise ProtocolError(_sentence(error)) from error


def said(text: str | bytes) -> Swapped | Ping | Pong:
    """Read what is said on the data channel.

    Raises:
        ProtocolError: it is no such message, or too long.
    """
    if len(text) > LARGEST_SAYING_BYTES:
        raise ProtocolError(f"Expected a message of at most {LARGEST_SAYING_BYTES} bytes, got {len(text)}.")
    try:
        return _SAID.validate_json(text)
    except (ValidationError, ValueError) as error:
        raise ProtocolError(_sentence(error)) from error


def check_version(theirs: int) -> None:
    """Refuse another version of the protocol.

    Raises:
        ProtocolError: which side is older.
    """
    if theirs != VERSION:
        older = "other machine" if theirs < VERSION else "machine that says this"
        raise ProtocolError(
            f"Two versions of Mien that do not understand each other (protocol {theirs} and {VERSION}): update the "
            f"{older}."
        )


def _text(content: str | bytes) -> str:
    if isinstance(content, bytes):
        raise ProtocolError("Expected one of Mien's messages as JSON, got bytes.")
    return content


def _sentence(error: ValueError) -> str:
    """Say what is wrong without giving back what was said."""
    if not isinstance(error, ValidationError):
        return "Expected one of Mien's messages as JSON, got something else; is it Mien that speaks there?"
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the message"
    return in_one_line(f"Expected one of Mien's messages as JSON; {place[:80]}: {first['msg'][:120]}.")


class ControlLine(Protocol):
    """One side of it."""

    async def send(self, message: BaseModel) -> None:
        """Say something.

        Raises:
            ConnectionError: the other side is gone, or does not read.
        """
        ...

    async def receive(self) -> str | bytes:
        """Hear the next thing.

        Raises:
            ConnectionError: the other side is gone.
            ProtocolError: it is larger than anything that may be said.
        """
        ...

    async def close(self) -> None:
        """End it."""
        ...


class WebSocketLine:
    """A `ControlLine` over a WebSocket of aiohttp, of a server or a client."""

    def __init__(self, socket: WebSocketResponse | ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, message: BaseModel) -> None:
        """Say something; whoever does not read for five seconds is taken for gone."""
        try:
            async with asyncio.timeout(_SEND_S):
                await self._socket.send_str(text_of(message))
        except TimeoutError as error:
            raise ConnectionError("the other side does not read") from error

    async def send_bytes(self, content: bytes) -> None:
        """Send a photo; it may take as long as the line needs."""
        await self._socket.send_bytes(content)

    async def receive(self) -> str | bytes:
        """Hear the next thing."""
        message = await self._socket.receive()
        if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
            return message.data  # type: ignore[no-any-return]  # text or bytes, as its type says
        if self._socket.close_code == 1009:
            raise ProtocolError("Expected a message of at most 9 MB, got a larger one.")
        raise ConnectionError("the line is closed")

    async def close(self) -> None:
        """End it."""
        await self._socket.close()
