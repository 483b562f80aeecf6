"""`mien serve`: listens, lets clients in over TLS, and ends in order: whoever is swapping is told."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from mien.remote.box import Box, metrics_text
from mien.remote.client import PATH
from mien.remote.identity import Identity
from mien.remote.protocol import LARGEST_MESSAGE_BYTES
from mien.remote.wire import WebSocketLine
from mien_models.errors import MienError
from mien_models.system.causes import cause_of

_LOG = logging.getLogger(__name__)
_HEARTBEAT_S: Final = 8.0
_CLOSE_S: Final = 5.0
_LEAVE_S: Final = 3.0
"""So long it goes on swapping for those who look for another machine."""
_GOODBYE_S: Final = 0.1
"""aiohttp closes its sockets a moment after it has ended."""
_MOST_LINES: Final = 64
"""Control lines at a time, those that have not said anything included."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a server listens."""

    hosts: tuple[str, ...] | None
    """Addresses of this machine; None for all of them."""
    port: int
    """0 for any that is free."""


async def serve(box: Box, identity: Identity, listening: Listening, on_ready: Callable[[int], None]) -> None:
    """Serve until a signal asks for the end.

    Raises:
        MienError: the port is taken.
    """
    is_over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, ValueError):  # Windows, and another thread than the main one
            loop.add_signal_handler(number, is_over.set)
    async with served(box, identity, listening) as port:
        on_ready(port)
        await is_over.wait()
        _LOG.info("Ending: whoever is swapping here is told.")


@contextlib.asynccontextmanager
async def served(box: Box, identity: Identity, listening: Listening) -> AsyncGenerator[int]:
    """Serve inside the block; gives the port.

    Raises:
        MienError: the port is taken.
    """
    runner = web.AppRunner(_app(box), access_log=None, handle_signals=False, shutdown_timeout=_CLOSE_S)
    await runner.setup()
    hosts = None if listening.hosts is None else list(listening.hosts)
    site = web.TCPSite(runner, hosts, listening.port, ssl_context=identity.tls())  # type: ignore[arg-type]  # a list is taken
    try:
        try:
            await site.start()
        except OSError as error:
            raise MienError(
                f"Port {listening.port} cannot be listened at: {cause_of(error)}. Take another one with --port N."
            ) from error
        yield int(runner.addresses[0][1])
    finally:
        await box.drain("The machine that swaps is about to stop.", _LEAVE_S)
        await runner.cleanup()
        await asyncio.to_thread(box.shared.aside.shutdown)
        await asyncio.sleep(_GOODBYE_S)


def _app(box: Box) -> web.Application:
    app = web.Application()
    lines: set[object] = set()

    async def speak(request: web.Request) -> web.StreamResponse:
        if len(lines) >= _MOST_LINES:
            return web.Response(status=503, text="Too many lines; try again in a moment.\n")
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=LARGEST_MESSAGE_BYTES, compress=False)
        await socket.prepare(request)
        lines.add(socket)
        try:
            await box.serve(WebSocketLine(socket))
        finally:
            lines.discard(socket)
        return socket

    async def health(_request: web.Request) -> web.Response:
        return web.Response(text="draining\n" if box.seats.is_draining else "ok\n")

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(text=metrics_text(box))

    app.router.add_get(PATH, speak)
    app.router.add_get("/health", health)
    app.router.add_get("/metrics", metrics)
    return app
