"""Pictures as JPEG, one after another, by HTTP: for what knows nothing better. No sound, and late in OBS."""

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import cv2

from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.sinks.live_tracks import Studio
from mien.sinks.registry import SinkPlugin
from mien.sinks.web_server import WebServer, port_of
from mien_models.errors import SinkError

if TYPE_CHECKING:
    from aiohttp import web

_PORT: Final = 8438
_QUALITY: Final = 85
_MOST: Final = 12
_STUCK_S: Final = 10.0
"""Who takes nothing for so long is let go."""
_BOUNDARY: Final = "mien"


class MjpegSink:
    """Has state: the server, and the newest picture, which each viewer gets when it has taken the one before."""

    def __init__(self, target: str, output: OutputFormat) -> None:
        self._port, self._output = port_of(target, _PORT), output
        self.studio = Studio()
        """Whether other computers may look; that of the session is set before it is opened."""
        self._server: WebServer | None = None
        self._newest: tuple[int, bytes] = (-1, b"")
        self._news = asyncio.Event()
        self.watching: int = 0
        """How many look."""

    @property
    def description(self) -> str:
        """One line for people; the token is not in it."""
        return f"MJPEG at port {self._port}"

    @property
    def addresses(self) -> tuple[str, ...]:
        """What is typed in a browser; whoever knows it can watch."""
        return () if self._server is None else self._server.addresses

    def __enter__(self) -> Self:
        """Begin to serve.

        Raises:
            SinkError: the port is taken.
        """
        server = WebServer(self._port, is_in_lan=self.studio.is_in_lan)
        self._newest, self._news, self.watching = (-1, b""), asyncio.Event(), 0
        server.open({("GET", ""): self._watch})
        self._server = server
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let everybody go."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def write(self, frame: OutputFrame) -> None:
        """Make a picture of it, where somebody looks.

        Raises:
            SinkError: it has ended.
        """
        self._output.check(frame)
        if self._server is None:
            raise SinkError(f"{self.description} has ended already.")
        if self.watching:
            _, data = cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            self._newest = frame.index, data.tobytes()
            self._server.thread.loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _watch(self, request: "web.Request") -> "web.StreamResponse":
        from aiohttp import web

        if self.watching >= _MOST:
            return web.Response(status=503, text=f"{_MOST} look already; close one of the others.")
        kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
        answer = web.StreamResponse(headers={"content-type": kind, "connection": "close"})
        await answer.prepare(request)
        self.watching += 1
        try:
            await self._send_all(answer)
        except (OSError, TimeoutError):  # gone, or as good as gone
            pass
        finally:
            self.watching -= 1
        return answer

    async def _send_all(self, answer: "web.StreamResponse") -> None:
        sent = -1
        while True:
            news = self._news
            index, jpeg = self._newest
            if index == sent or not jpeg:
                await news.wait()
                continue
            sent = index
            head = f"--{_BOUNDARY}\r\ncontent-type: image/jpeg\r\ncontent-length: {len(jpeg)}\r\n\r\n"
            await asyncio.wait_for(answer.write(head.encode() + jpeg + b"\r\n"), _STUCK_S)


PLUGIN: Final = SinkPlugin(
    make=MjpegSink,
    label="Page with pictures alone (MJPEG)",
    help="pictures without sound, by HTTP, for what knows nothing better",
    target="[PORT]",
)
