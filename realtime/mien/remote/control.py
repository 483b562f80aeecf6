"""The control line, whatever carries it: texts and bytes that come whole, one after another."""

import asyncio
from typing import Final, Protocol

from aiohttp import ClientWebSocketResponse, WSMsgType
from aiohttp.web import WebSocketResponse
from pydantic import BaseModel

from mien.remote.protocol import ProtocolError
from mien.remote.wire import text_of

_SEND_S: Final = 5.0


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
