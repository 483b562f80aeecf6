"""Runs the panel: a port on this machine, an address with the token, a browser, until Ctrl-C."""

import asyncio
import contextlib
import errno
import logging
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Final

from mien.panel.access import GuestAccess, OwnAccess, own_token
from mien_models.errors import MienError, UsageError
from mien_models.system import folders
from mien_models.system.causes import cause_of

if TYPE_CHECKING:
    import uvicorn

    from mien.panel.guard import App


_LOG = logging.getLogger(__name__)
USUAL_PORT: Final = 8436
"""The same every time, so that a dock in OBS and a bookmark find it; the next free one where it is taken."""
_HOST: Final = "127.0.0.1"
_NEXT_PORTS: Final = 20
_GOODBYE_S: Final = 3


def run_panel(port: int | None, *, opens_browser: bool, opens_lan: bool, say: Callable[[str], None]) -> None:
    """Run the panel until it is interrupted.

    Args:
        port: the port; None for the usual one, or one behind it that is free.
        opens_browser: whether the user's browser is shown the page.
        opens_lan: whether the local network's switch is on from the beginning.
        say: prints the address, once it answers.

    Raises:
        MienError: the port is taken, or there is no local network to open it to.
    """
    if port is not None and not 1 <= port <= 65535:
        raise UsageError(f"--port takes a number from 1 to 65535, not {port}.")
    listening = _bound(port)
    # NiceGUI would look for a folder of its own where the user happens to be.
    os.environ["NICEGUI_STORAGE_PATH"] = str(folders.state_folder() / "panel" / "pages")
    own, number = OwnAccess(token := own_token()), int(listening.getsockname()[1])
    address = f"http://{_HOST}:{number}/?token={token}"
    # The socket listens already: whoever opens the address waits until the program behind it has been loaded.
    say(address)
    if opens_browser:
        threading.Thread(target=_open_browser, args=(address,), name="mien-browser", daemon=True).start()
    asyncio.run(_serve(listening, own, number, opens_lan=opens_lan))


async def _serve(listening: socket.socket, own: OwnAccess, port: int, *, opens_lan: bool) -> None:
    with _without("aiohttp", "requests"):  # a third of the time until the first page
        from mien.panel.app import make_app
    from mien.panel.guard import Guard
    from mien.panel.lan import Lan
    from mien.panel.panel import Panel

    guests = GuestAccess()
    panel = Panel(Lan(guests, port), guests)
    app = make_app(panel)
    guard = Guard(app, own, guests, port)
    panel.lan.guard, panel.lan.listen = guard, lambda sockets: _listen(guard, sockets)
    begun = asyncio.create_task(asyncio.to_thread(panel.begin))
    try:
        if opens_lan:
            await panel.lan.open()
            _LOG.info("In the local network: %s with the code %s", " ".join(panel.lan.addresses), guests.code)
        server = _server(guard, is_first=True)
        await server.serve(sockets=[listening])
    finally:
        await panel.lan.close()
        with contextlib.suppress(MienError):
            await begun
        panel.end()


@contextlib.contextmanager
def _without(*names: str) -> Generator[None]:
    """Let libraries be loaded without others that they look for and can do without."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules |= dict.fromkeys(hidden)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType, reportCallIssue]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def _server(app: "App", *, is_first: bool) -> "uvicorn.Server":
    import uvicorn

    class Quiet(uvicorn.Server):
        """A server beside the first one: signals are the first one's business."""

        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None]:
            """Leave them alone."""
            yield

    config = uvicorn.Config(
        app,
        lifespan="on" if is_first else "off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=2**20,
        timeout_graceful_shutdown=_GOODBYE_S,
    )
    return uvicorn.Server(config) if is_first else Quiet(config)


async def _listen(app: "App", sockets: list[socket.socket]) -> Callable[[], Awaitable[None]]:
    server = _server(app, is_first=False)
    task = asyncio.create_task(server.serve(sockets=sockets))

    async def stop() -> None:
        server.should_exit = True
        server.force_exit = True
        await task

    return stop


def _bound(port: int | None) -> socket.socket:
    for number in range(USUAL_PORT, USUAL_PORT + _NEXT_PORTS) if port is None else (port,):
        try:
            return socket.create_server((_HOST, number), backlog=128)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or port is not None:
                raise MienError(
                    f"Port {number} cannot be opened: {cause_of(error)}. Give another with --port."
                ) from error
    raise MienError(f"No port from {USUAL_PORT} on is free. Give one with --port.")


def _open_browser(address: str) -> None:
    """Show the page; where there is no browser, or no screen for one, the printed address is all there is."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return  # a browser for terminals would take this one
    with contextlib.suppress(Exception):
        webbrowser.open(address)
