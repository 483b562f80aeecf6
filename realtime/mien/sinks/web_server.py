"""Serves a page of a sink by HTTP, behind a token in its address, in a thread with a loop of its own."""

import hmac
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from mien.config import paths
from mien.config.token_file import kept_token
from mien.media.local_addresses import local_addresses
from mien.sinks.loop_thread import LoopThread
from mien_models.errors import SinkError, UsageError
from mien_models.system.causes import cause_of

if TYPE_CHECKING:
    from aiohttp import web

Handler = Callable[["web.Request"], "Awaitable[web.StreamResponse]"]
_HERE: Final = "127.0.0.1"
_LARGEST_BYTES: Final = 64 * 1024
"""Of a request: a browser's description of itself takes about 6 kB."""
_HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


class WebServer:
    """Has state: the thread with its loop, and the server while it is open."""

    def __init__(self, port: int, *, is_in_lan: bool) -> None:
        """Take where it listens: on this computer alone, or in the local network too."""
        self._port, self._is_in_lan = port, is_in_lan
        self.thread = LoopThread("mien-web")
        self._runner: web.AppRunner | None = None
        self._token = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """What is typed in a browser, this computer's first."""
        hosts = (_HERE, *(local_addresses() if self._is_in_lan else ()))
        return tuple(f"http://{host}:{self._port}/{self._token}" for host in hosts)

    def open(self, routes: "dict[tuple[str, str], Handler]") -> None:
        """Begin to answer: each method and path behind the token has who answers it.

        Raises:
            SinkError: the port is taken, or this user may not open it.
        """
        self._token = kept_token(paths.state_folder() / "watch" / "token")
        self.thread.start()
        try:
            self.thread.do(self._begin(routes))
        except OSError as error:
            self.close()
            raise SinkError(
                f"Port {self._port} cannot be opened: {cause_of(error)}. Choose another one, behind the output's colon."
            ) from error

    def close(self) -> None:
        """Let everybody go, and end."""
        runner, self._runner = self._runner, None
        if runner is not None:
            self.thread.do(runner.cleanup())
        self.thread.stop()

    async def _begin(self, routes: "dict[tuple[str, str], Handler]") -> None:
        from aiohttp import web

        app = web.Application(client_max_size=_LARGEST_BYTES)
        app.on_response_prepare.append(_with_headers)
        for (method, path), handler in routes.items():
            app.router.add_route(method, f"/{{token}}{path}", self._guarded(handler))
        self._runner = runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await runner.setup()
        host = "0.0.0.0" if self._is_in_lan else _HERE  # noqa: S104 - asked for by the user, and behind a token
        await web.TCPSite(runner, host, self._port, backlog=16).start()

    def _guarded(self, handler: Handler) -> Handler:
        from aiohttp import web

        async def answer(request: web.Request) -> web.StreamResponse:
            if not hmac.compare_digest(request.match_info["token"].encode(), self._token.encode()):
                return web.Response(status=404, text="This is not the address of a page of Mien.")
            return await handler(request)

        return answer


async def _with_headers(_request: "web.Request", response: "web.StreamResponse") -> None:
    for name, text in _HEADERS.items():
        response.headers.setdefault(name, text)


def port_of(target: str, usual: int) -> int:
    """Read the port after a sink's name.

    Raises:
        UsageError: it is none.
    """
    if not target:
        return usual
    if not target.isdecimal() or not 1 <= int(target) <= 65_535:
        raise UsageError(f"Expected a port from 1 to 65535, such as {usual}; found {target!r}.")
    return int(target)
