"""A page with the live picture and sound, by WebRTC: for OBS's browser source, another computer, a phone."""

import time
from types import TracebackType
from typing import Any, Final, Self

from av.packet import Packet

from mien.media.video.live_video import TIME_BASE as VIDEO_TICK
from mien.media.video.live_video import VideoWish
from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.sinks.live_tracks import LiveTracks, Studio
from mien.sinks.registry import SinkPlugin
from mien.sinks.rtmp import bit_rate_for
from mien.sinks.viewers import Viewers
from mien.sinks.web_peer import AnnexB
from mien.sinks.web_server import WebServer, port_of
from mien.sound.held_back import HeldBack
from mien_models.errors import SinkError

_PORT: Final = 8437


class WatchSink:
    """Has state: the server, who watches, and the tracks while somebody does: for nobody nothing is encoded."""

    def __init__(self, target: str, output: OutputFormat) -> None:
        self._port = port_of(target, _PORT)
        self._output = output
        self.studio = Studio()
        """What it encodes with; that of the session is set before it is opened."""
        self._server: WebServer | None = None
        self._viewers: Viewers | None = None
        self._held_back = HeldBack()
        self._tracks: LiveTracks | None = None
        self._form: AnnexB | None = None

    @property
    def description(self) -> str:
        """One line for people; the token is not in it."""
        return f"watch page at port {self._port}"

    @property
    def addresses(self) -> tuple[str, ...]:
        """What is typed in a browser; whoever knows it can watch."""
        return () if self._server is None else self._server.addresses

    @property
    def watching(self) -> int:
        """How many watch."""
        return 0 if self._viewers is None else self._viewers.count

    def __enter__(self) -> Self:
        """Begin to serve the page.

        Raises:
            SinkError: the port is taken.
        """
        server = WebServer(self._port, is_in_lan=self.studio.is_in_lan)
        viewers = Viewers(self._want_key, is_only_here=not self.studio.is_in_lan)
        server.open({("GET", ""): viewers.page, ("GET", "/"): viewers.page, ("POST", "/offer"): viewers.enter})
        self._server, self._viewers = server, viewers
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let everybody go."""
        self._rest()
        server, self._server = self._server, None
        viewers, self._viewers = self._viewers, None
        if server is not None and viewers is not None:
            server.thread.do(viewers.close())
            server.close()

    def write(self, frame: OutputFrame) -> None:
        """Encode a frame, where somebody watches; what is ready is sent in another thread.

        Raises:
            SinkError: no encoder works, or it has ended.
        """
        self._output.check(frame)
        if self._server is None or self._viewers is None:
            raise SinkError(f"The {self.description} has ended already.")
        if not self._viewers.count:
            self._rest()
            return
        if self._tracks is None:
            self._tracks = LiveTracks(self.studio, self._wish(), "libopus")
            self._form = AnnexB(self._tracks.video.template)
        for packet in self._tracks.write(frame):
            self._send(packet, self._server, self._viewers)

    def _send(self, packet: "Packet[Any]", server: WebServer, viewers: Viewers) -> None:
        assert self._tracks is not None  # noqa: S101 - both are made together
        assert self._form is not None  # noqa: S101
        captured_ns = self._tracks.captured_ns(packet)
        self._held_back.saw(time.monotonic_ns() - captured_ns)
        due_ns = captured_ns + self._held_back.delay_ns
        ready = self._form.of(packet) if packet.time_base == VIDEO_TICK else (packet,)
        for one in ready:
            server.thread.loop.call_soon_threadsafe(viewers.give, one, captured_ns, due_ns)

    def _wish(self) -> VideoWish:
        size, rate = self._output, bit_rate_for(self._output)
        return VideoWish(size.width, size.height, size.fps, None, rate, is_prompt=True, is_baseline=True)

    def _rest(self) -> None:
        tracks, self._tracks = self._tracks, None
        if tracks is not None:
            tracks.finish()

    def _want_key(self) -> None:
        if (tracks := self._tracks) is not None:
            tracks.video.want_key()


PLUGIN: Final = SinkPlugin(
    make=WatchSink,
    help="a page with picture and sound for OBS's browser source, another computer or a phone",
    target="[PORT]",
)
