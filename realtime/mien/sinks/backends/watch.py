"""A page with the live picture and sound, by WebRTC: for OBS's browser source, another computer, a phone."""

import asyncio
import secrets
import time
from collections.abc import Callable
from fractions import Fraction
from importlib.resources import files
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from av.packet import Packet

from mien.media.video.live_video import TIME_BASE as VIDEO_TICK
from mien.media.video.live_video import VideoWish
from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.sinks.live_tracks import LiveTracks, Studio
from mien.sinks.registry import SinkPlugin
from mien.sinks.streaming import bit_rate_for
from mien.sinks.web_peer import AnnexB, WebPeer
from mien.sinks.web_server import WebServer, port_of
from mien.sound.held_back import HeldBack
from mien_models.errors import SinkError

if TYPE_CHECKING:
    from aiohttp import web

_MOST: Final = 12
"""Each costs about a twentieth of a core, and the bit rate once more."""
_COMES_S: Final = 15.0
"""Who has not connected by then does not come."""
_KEY_EVERY_S: Final = 1.0
_LONGEST_BYTES: Final = 64 * 1024
_PAGE: Final = "watch.html"
_PORT: Final = 8437


class Viewers:
    """Has state: who watches. All of it happens in one loop's thread, but `count`, which any may read."""

    def __init__(self, want_key: Callable[[], None], *, is_only_here: bool) -> None:
        """Take what makes a key frame, and whether nobody may watch but on this computer."""
        self._want_key, self._is_only_here = want_key, is_only_here
        self._peers: dict[WebPeer, asyncio.Task[None]] = {}
        self._due_ns: dict[Fraction, int] = {}
        self._asked_s = 0.0

    @property
    def count(self) -> int:
        """How many watch, or are about to."""
        return len(self._peers)

    def give(self, packet: "Packet[Any]", captured_ns: int, due_ns: int) -> None:
        """Send a packet to everybody at a time of `time.monotonic_ns()`, which is that of the loop."""
        base = packet.time_base
        # After the one before it, also where the delay has become shorter meanwhile.
        self._due_ns[base] = due_ns = max(due_ns, self._due_ns.get(base, 0) + 1000)
        asyncio.get_running_loop().call_at(due_ns / 1e9, self._send, packet, captured_ns)

    async def page(self, _request: "web.Request") -> "web.Response":
        """Give the page."""
        from aiohttp import web

        nonce = secrets.token_urlsafe(12)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
            "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
        )
        text = (files("mien.sinks") / _PAGE).read_text(encoding="utf-8").replace("NONCE", nonce)
        return web.Response(text=text, content_type="text/html", headers={"content-security-policy": policy})

    async def enter(self, request: "web.Request") -> "web.Response":
        """Take an offer, in the manner of WHEP: SDP in, SDP out."""
        from aiohttp import web

        if self.count >= _MOST:
            return web.Response(status=503, text=f"{_MOST} watch already; close one of the other pages.")
        if (request.content_length or 0) > _LONGEST_BYTES:
            return web.Response(status=413, text="That is longer than any browser's offer.")
        offer = (await request.read()).decode(errors="replace")
        peer = WebPeer(self._ask_for_key, is_only_here=self._is_only_here)
        self._peers[peer] = asyncio.create_task(self._kept(peer))
        try:
            answer = await asyncio.wait_for(peer.answer(offer), _COMES_S)
        except (SinkError, TimeoutError) as error:
            peer.is_over.set()
            return web.Response(status=400, text=str(error) or "The offer could not be answered in time.")
        return web.Response(status=201, text=answer, content_type="application/sdp")

    async def close(self) -> None:
        """Let everybody go."""
        for peer in self._peers:
            peer.is_over.set()
        if self._peers:
            await asyncio.wait(list(self._peers.values()), timeout=2)

    async def _kept(self, peer: WebPeer) -> None:
        """Keep one while it watches; whatever happens to it, happens to no other."""
        looking = asyncio.create_task(peer.look_after())
        try:
            await _first(peer.is_up, peer.is_over, _COMES_S)
            if peer.is_up.is_set():
                self._ask_for_key()
                await peer.is_over.wait()
        finally:
            looking.cancel()
            self._peers.pop(peer, None)
            await peer.close()

    def _send(self, packet: "Packet[Any]", captured_ns: int) -> None:
        for peer in self._peers:
            peer.put(packet, captured_ns, is_thinned=peer.is_lossy)

    def _ask_for_key(self) -> None:
        """Have a key frame made for whoever came or lost something; who asks all the time spoils it for nobody."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._asked_s >= _KEY_EVERY_S:
            self._asked_s = now_s
            self._want_key()


async def _first(one: asyncio.Event, other: asyncio.Event, timeout_s: float) -> None:
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    for task in waits:
        task.cancel()


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
    label="Page to watch",
    help="a page with picture and sound for OBS's browser source, another computer or a phone",
    target="[PORT]",
)
