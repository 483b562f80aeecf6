"""Serves a page of a sink by HTTP, behind a token in its address, in a thread with a loop of its own."""

import asyncio
import hmac
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mien.config.page_address import kept_token, local_addresses
from mien_models.errors import SinkError, UsageError
from mien_models.system import folders
from mien_models.system.causes import cause_of

if TYPE_CHECKING:
    from aiohttp import web

_LOG = logging.getLogger(__name__)
_WAITS_S: Final = 5.0
Answered = TypeVar("Answered")
_HERE: Final = "127.0.0.1"
_LARGEST_BYTES: Final = 64 * 1024
"""Of a request: a browser's description of itself takes about 6 kB."""
_HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


class LoopThread:
    """Runs between `start` and `stop`. Has state: the loop."""

    def __init__(self, name: str) -> None:
        """Take what the thread is called."""
        self.loop = asyncio.new_event_loop()
        self._stopping = threading.Lock()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    @property
    def is_running(self) -> bool:
        """Whether something can be done."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, with everything that is still under way; more than once does no harm. Any other thread may."""
        with self._stopping:
            if self._thread.is_alive():
                self.do(self._cancel_all())
                self.loop.call_soon_threadsafe(self.loop.stop)
                self._thread.join(_WAITS_S)
            elif self._thread.ident is None:
                self.loop.close()

    def begin(self, work: Coroutine[Any, Any, Answered]) -> "Future[Answered]":
        """Have something done; any thread may."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def do(self, work: Coroutine[Any, Any, Answered], timeout_s: float = _WAITS_S) -> Answered:
        """Have something done, and wait for it; any other thread may.

        Raises:
            TimeoutError: it took too long.
        """
        return self.begin(work).result(timeout_s)

    def _work(self) -> None:
        asyncio.set_event_loop(self.loop)
        # What breaks there is one stranger's connection, and is said to that stranger or to nobody.
        self.loop.set_exception_handler(lambda _, said: _LOG.debug("a connection failed: %s", said))
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()

    async def _cancel_all(self) -> None:
        others = [task for task in asyncio.all_tasks(self.loop) if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others, timeout=1)
        await self.loop.shutdown_default_executor()


Handler = Callable[["web.Request"], "Awaitable[web.StreamResponse]"]


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
        self._token = kept_token(folders.state_folder() / "watch" / "token")
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
