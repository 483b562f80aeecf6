"""Streams by WHIP (RFC 9725), with less delay than RTMP: an offer by HTTP, then picture and sound by WebRTC."""

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from mien.consent.terms import Scope
from mien.media.video.live_video import TIME_BASE as VIDEO_TICK
from mien.pipeline.frame import OutputFormat
from mien.sinks.live_tracks import AnyPacket, LiveTracks
from mien.sinks.registry import HIDDEN, SinkPlugin
from mien.sinks.stream_sender import Outlet
from mien.sinks.streaming import StreamKind, StreamSink, bit_rate_for
from mien.sinks.web_peer import AnnexB, WebPeer
from mien.sinks.web_server import LoopThread
from mien_models.errors import SinkError, UsageError

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession


_OPENS_S: Final = 12.0
_GOES_S: Final = 1.5
_LONGEST_ANSWER_BYTES: Final = 64 * 1024
_EXAMPLE: Final = "whip:https://live.example.com/whip/KEY, or whip:https://TOKEN@live.example.com/whip"


@dataclass(frozen=True, slots=True, repr=False)
class WhipAddress:
    """Where a stream goes."""

    url: str
    """Without the token; what comes after its host may be secret too."""
    host: str
    token: str | None
    """Sent as the bearer of the stream; secret."""

    @property
    def shown(self) -> str:
        """The address as it may be shown, logged and stored."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}/{HIDDEN}"

    def __repr__(self) -> str:
        """As `shown`."""
        return self.shown


def whip_address(text: str) -> WhipAddress:
    """Take an address apart.

    Raises:
        UsageError: a part is missing; the message names the part and nothing secret.
    """
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError as error:
        raise UsageError("The port of a WHIP address is a number from 1 to 65535.") from error
    if HIDDEN in text:
        raise UsageError("What is secret was left out of this address; give it whole again.")
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise UsageError(f"WHIP takes the address of a web server, as in {_EXAMPLE}.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = host if port is None else f"{host}:{port}"
    token = unquote(parts.password or parts.username or "") or None
    return WhipAddress(urlunsplit((parts.scheme, place, parts.path, parts.query, "")), parts.hostname, token)


def whip_sink(target: str, output: OutputFormat) -> StreamSink:
    """Make the sink for an address.

    Raises:
        UsageError: the address lacks a part.
    """
    address = whip_address(target)
    kind = StreamKind("libopus", bit_rate_for(output), is_baseline=True)
    return StreamSink(address.shown, output, kind, lambda: WhipConnection(address))


class WhipConnection:
    """Has state: a loop in a thread, the connection to the server, and where it is ended."""

    def __init__(self, address: WhipAddress) -> None:
        self._address = address
        self._thread = LoopThread("mien-whip")
        self._cutting = threading.Lock()
        self._peer: WebPeer | None = None
        self._ends_at: str | None = None
        self._tracks: LiveTracks | None = None
        self._opening: Future[None] | None = None

    @property
    def is_lossy(self) -> bool:
        """Whether much of what is sent does not arrive."""
        return self._peer is not None and self._peer.is_lossy

    def open(self, on_up: Callable[[], None]) -> Outlet:
        """Offer, and connect.

        Raises:
            SinkError: the server cannot be reached, or refuses.
        """
        self._thread.start()
        self._opening = self._thread.begin(self._open())
        try:
            self._opening.result(_OPENS_S)
        except (TimeoutError, CancelledError) as error:
            raise SinkError(f"{self._address.host} does not answer in time; try again later.") from error
        on_up()
        assert self._peer is not None  # noqa: S101 - made by _open
        return _Outlet(self._thread, self._peer, self._take)

    def refusal(self, shown: str) -> str:
        """Say that it went as soon as it had come."""
        return f"{shown} took the stream and let go of it at once; check the stream key."

    def finish(self) -> None:
        """Tell the server that it was all."""
        with contextlib.suppress(TimeoutError, CancelledError):
            self._thread.do(self._end(), _GOES_S)

    def cut(self) -> None:
        """Hang up now."""
        if self._opening is not None:
            self._opening.cancel()
        with self._cutting:
            if self._thread.is_running:
                with contextlib.suppress(TimeoutError, CancelledError):
                    self._thread.do(self._hang_up(), _GOES_S)
                self._thread.stop()

    def _take(self, tracks: LiveTracks) -> None:
        self._tracks = tracks

    def _want_key(self) -> None:
        if self._tracks is not None:
            self._tracks.video.want_key()

    async def _open(self) -> None:
        from aiohttp import ClientSession, ClientTimeout

        self._peer = peer = WebPeer(self._want_key, is_only_here=await _is_here(self._address.host))
        offer = await peer.offer()
        headers = {"content-type": "application/sdp", **self._bearer}
        timeout = ClientTimeout(total=_OPENS_S)
        async with ClientSession(timeout=timeout) as session:
            await peer.take(await self._posted(session, offer, headers))
        up, over = asyncio.create_task(peer.is_up.wait()), asyncio.create_task(peer.is_over.wait())
        await asyncio.wait((up, over), return_when=asyncio.FIRST_COMPLETED)
        if not peer.is_up.is_set():
            raise SinkError(
                f"{self._address.host} takes the stream's offer, but no way for pictures to it was found; "
                "is UDP let through?"
            )
        self._looking = asyncio.create_task(peer.look_after())

    @property
    def _bearer(self) -> dict[str, str]:
        return {} if self._address.token is None else {"authorization": f"Bearer {self._address.token}"}

    async def _posted(self, session: "ClientSession", offer: str, headers: dict[str, str]) -> str:
        import aiohttp

        host = self._address.host
        try:
            async with session.post(self._address.url, data=offer.encode(), headers=headers) as answer:
                self._check(answer)
                text = (await answer.content.read(_LONGEST_ANSWER_BYTES)).decode(errors="replace")
                if (place := answer.headers.get("location")) is not None:
                    self._ends_at = urljoin(str(answer.url), place)
                return text
        except aiohttp.ClientConnectorCertificateError as error:
            raise SinkError(f"{host} shows a certificate that does not fit; nothing was sent to it.") from error
        except aiohttp.ClientConnectorDNSError as error:
            raise SinkError(f"There is no computer named {host!r}; check the address of the stream.") from error
        except aiohttp.ClientConnectorError as error:
            raise SinkError(f"{host} takes no streams at this port; is the server running?") from error
        except (aiohttp.ClientError, UnicodeError, ValueError) as error:
            raise SinkError(f"{host} hung up before it answered ({type(error).__name__}).") from error

    def _check(self, answer: "ClientResponse") -> None:
        host, status = self._address.host, answer.status
        if status in {401, 403}:
            raise SinkError(f"{host} refuses the stream; check the stream key.")
        if status in {404, 405}:
            raise SinkError(f"{host} takes no WHIP at this address; check its path and the stream key.")
        if status != 201:
            raise SinkError(f"{host} was reached and refuses the stream (HTTP {status}); try again later.")

    async def _end(self) -> None:
        from aiohttp import ClientError, ClientSession, ClientTimeout

        if self._ends_at is not None and urlsplit(self._ends_at).hostname == self._address.host:
            async with ClientSession(timeout=ClientTimeout(total=_GOES_S)) as session:
                with contextlib.suppress(ClientError, TimeoutError):
                    await session.delete(self._ends_at, headers=self._bearer)

    async def _hang_up(self) -> None:
        if self._peer is not None:
            await self._peer.close()


class _Outlet:
    """Has state: the filter that puts the packets in order for WebRTC."""

    def __init__(self, thread: LoopThread, peer: WebPeer, take: Callable[[LiveTracks], None]) -> None:
        self._thread, self._peer, self._take = thread, peer, take
        self._tracks: LiveTracks | None = None
        self._form: AnnexB | None = None

    def begin(self, tracks: LiveTracks) -> None:
        """Know what comes."""
        self._take(tracks)
        self._tracks, self._form = tracks, AnnexB(tracks.video.template)

    def send(self, packet: AnyPacket) -> None:
        """Send a packet; never waits.

        Raises:
            OSError: the server is gone.
        """
        if self._peer.is_over.is_set():
            raise ConnectionError("the server is gone")
        assert self._tracks is not None  # noqa: S101 - begun before anything is sent
        assert self._form is not None  # noqa: S101
        captured_ns = self._tracks.captured_ns(packet)
        given: Any = packet
        for one in self._form.of(given) if packet.time_base == VIDEO_TICK else (packet,):
            self._thread.loop.call_soon_threadsafe(self._peer.put, one, captured_ns)

    def end(self) -> None:
        """Nothing is left to write."""


async def _is_here(host: str) -> bool:
    """Whether a server is on this computer: the network is not asked then."""
    with contextlib.suppress(OSError):
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return all(ipaddress.ip_address(place[0]).is_loopback for *_, place in found)
    return False


def _concealed(target: str) -> str:
    try:
        return whip_address(target).shown
    except UsageError:
        return HIDDEN


PLUGIN: Final = SinkPlugin(
    make=whip_sink,
    label="Stream (WHIP)",
    help="a stream to a server that takes WHIP, by WebRTC",
    target="https://HOST/PATH",
    use=Scope.STREAMING,
    conceal=_concealed,
)
