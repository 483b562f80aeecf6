"""One WebRTC connection that takes packets which are encoded already: a viewer's browser, or a WHIP server."""

import asyncio
import contextvars
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, cast

from av.bitstream import BitStreamFilterContext
from av.packet import Packet
from av.video.stream import VideoStream

from mien_models.errors import SinkError

if TYPE_CHECKING:
    from aiortc import RTCPeerConnection, RTCRemoteInboundRtpStreamStats, RTCRtpSender

_VIDEO, _AUDIO = "video", "audio"
_MOST_WAITING: Final = 120
"""Packets; whoever is further behind goes on with the next key frame."""
_LOOK_S: Final = 1.0
_LOSSY: Final = 0.1
_CLEAN: Final = 0.02
"""Parts of the packets that do not arrive: from the first on too much is sent, below the second it is well."""
_CALM_LOOKS: Final = 4
_SILENT_LOOKS: Final = 6
"""A side that reported what arrived, and then does no more for so long, is gone; ICE says it after half a minute."""
_NTP_AT_1970_S: Final = 2_208_988_800
_LOCAL_NAME: Final = re.compile(r"\S+\.local\b")
_PROVEN: Final = "a=fingerprint:"
_ONLY_HERE: Final = contextvars.ContextVar("_ONLY_HERE", default=False)
"""Whether the connection that is being made may use no address but this computer's own."""
_FILTERS: Final = "h264_mp4toannexb,dump_extra=freq=keyframe"
"""Encoders of some systems write lengths instead of start codes; all of them keep the parameters beside the packets."""


class PacketTrack:
    """Gives packets to aiortc when they are there. Has state: those that wait; one loop's thread uses it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._waiting: deque[tuple[Packet[Any], int]] = deque()
        self._has_more = asyncio.Event()
        self._waits_for_key = kind == _VIDEO
        self.given_ns = 0
        """When what was given last was seen or heard, of `time.monotonic_ns()`."""

    def put(self, packet: "Packet[Any]", captured_ns: int, *, is_thinned: bool) -> None:
        """Lay a packet in, or leave it out: where it is thinned, all pictures but key frames. Never waits."""
        if self.kind == _VIDEO:
            if (self._waits_for_key or is_thinned) and not packet.is_keyframe:
                self._waits_for_key = True
                return
            self._waits_for_key = False
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.clear()
            self._waits_for_key = self.kind == _VIDEO
            if self._waits_for_key:
                return
        self._waiting.append((packet, captured_ns))
        self._has_more.set()

    async def next(self) -> "Packet[Any]":
        """Wait for the next packet."""
        while not self._waiting:
            self._has_more.clear()
            await self._has_more.wait()
        packet, self.given_ns = self._waiting.popleft()
        return packet


class AnnexB:
    """Has state: FFmpeg's filters for one encoder's packets."""

    def __init__(self, template: VideoStream) -> None:
        """Take the stream that the packets are of."""
        self._filters = BitStreamFilterContext(_FILTERS, template)

    def of(self, packet: "Packet[VideoStream]") -> Sequence["Packet[VideoStream]"]:
        """Give the packet in that form; the one that was given is empty then."""
        return cast("Sequence[Packet[VideoStream]]", self._filters.filter(packet))  # pyright: ignore[reportUnknownMemberType]


class WebPeer:
    """Has state: the connection, its tracks, and how the line does. Everything happens in one loop's thread."""

    def __init__(self, want_key: Callable[[], None], *, is_only_here: bool, has_sound: bool = True) -> None:
        """Take what makes a key frame when the other side lost something.

        Args:
            want_key: is called as often as the other side likes.
            is_only_here: whether it uses no network but this computer's own, as its offer or answer says.
            has_sound: whether there is a track of sound.
        """
        self._want_key, self._is_only_here = want_key, is_only_here
        self.tracks = {kind: PacketTrack(kind) for kind in (_VIDEO, *((_AUDIO,) if has_sound else ()))}
        self.is_lossy = False
        """Whether much of what is sent does not arrive."""
        self.is_up = asyncio.Event()
        self.is_over = asyncio.Event()
        self._senders: list[RTCRtpSender] = []
        self._connection = self._made()
        self._calm = 0
        self._reported: datetime | None = None
        self._silent = 0

    def put(self, packet: "Packet[Any]", captured_ns: int, *, is_thinned: bool = False) -> None:
        """Send a packet, or leave it out where the other side does not keep up."""
        kind = _VIDEO if packet.time_base == Fraction(1, 90_000) else _AUDIO
        if kind in self.tracks and self.is_up.is_set():
            self.tracks[kind].put(packet, captured_ns, is_thinned=is_thinned)

    async def answer(self, offer: str) -> str:
        """Take what a browser offers; give what it is answered, with every address in it.

        Raises:
            SinkError: it is no offer of somebody who can watch.
        """
        from aiortc import RTCSessionDescription

        text = _LOCAL_NAME.sub("127.0.0.1", offer) if self._is_only_here else offer
        _ONLY_HERE.set(self._is_only_here)
        try:
            if _PROVEN not in offer:
                raise ValueError("aiortc trips over it only once it is too late to say so")
            await self._connection.setRemoteDescription(RTCSessionDescription(text, "offer"))
            made = await self._connection.createAnswer()
            await self._connection.setLocalDescription(made)
            self._check_is_shown()
        except Exception as error:  # what a stranger says may break a parser anywhere
            raise SinkError(
                f"Expected the offer of a browser that can watch H.264; found another one ({type(error).__name__})."
            ) from error
        return self._said()

    async def offer(self) -> str:
        """Offer to send; give that with every address in it."""
        _ONLY_HERE.set(self._is_only_here)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return self._said()

    async def take(self, answer: str) -> None:
        """Take what an offer was answered.

        Raises:
            SinkError: it is no answer.
        """
        from aiortc import RTCSessionDescription

        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        except Exception as error:
            raise SinkError(f"The server's answer is none of WebRTC ({type(error).__name__}).") from error

    async def close(self) -> None:
        """Let go of it."""
        self.is_over.set()
        await self._connection.close()

    async def look_after(self) -> None:
        """Watch how much arrives, until the other side is gone."""
        while not self.is_over.is_set():
            await asyncio.sleep(_LOOK_S)
            found = await _reports(sender for sender in self._senders if sender.kind == _VIDEO)
            if found:
                self._judge(max(one.fractionLost for one in found) / 256)
                newest = max(one.timestamp for one in found)
                self._silent = self._silent + 1 if newest == self._reported else 0
                self._reported = newest
            if self._silent >= _SILENT_LOOKS:
                self.is_over.set()

    def _judge(self, lost: float) -> None:
        """See whether the line takes what is sent."""
        if lost > _LOSSY:
            self.is_lossy, self._calm = True, 0
        elif lost < _CLEAN:
            self._calm += 1
            self.is_lossy = self.is_lossy and self._calm < _CALM_LOOKS

    def _made(self) -> "RTCPeerConnection":
        from aiortc import RTCConfiguration, RTCPeerConnection
        from aiortc.rtcrtpsender import RTCRtpSender

        _keep_to_own_addresses()
        # No servers: aiortc's own choice would tell one on the internet that somebody streams.
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.on("connectionstatechange", self._on_change)
        for kind, track in self.tracks.items():
            transceiver = connection.addTransceiver(_aiortc_track(track), direction="sendonly")
            wanted = "video/H264" if kind == _VIDEO else "audio/opus"
            codecs = [one for one in RTCRtpSender.getCapabilities(kind).codecs if one.mimeType == wanted]
            transceiver.setCodecPreferences(codecs)
            self._senders.append(transceiver.sender)
            _adapt(transceiver.sender, track, self._want_key)
        return connection

    def _on_change(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self.is_up.set()
        elif state in {"failed", "closed"}:
            self.is_over.set()

    def _check_is_shown(self) -> None:
        picture, *_ = self._connection.getTransceivers()
        if picture.currentDirection != "sendonly":
            raise ValueError("no place for a picture")

    def _said(self) -> str:
        return self._connection.localDescription.sdp


def _aiortc_track(track: PacketTrack) -> Any:  # noqa: ANN401 - its class is made when the library is loaded
    from aiortc import MediaStreamTrack

    class Given(MediaStreamTrack):
        kind = track.kind

        async def recv(self) -> "Packet[Any]":
            return await track.next()

    return Given()


def _adapt(sender: "RTCRtpSender", track: PacketTrack, want_key: Callable[[], None]) -> None:
    """Tell aiortc what it knows only of pictures and sound that it encodes itself.

    Who makes key frames; and when what is sent was captured, by which the other side brings both tracks in step. It
    would say when it was sent, and that wavers with the processor's load.
    """
    from aiortc.rtp import RtcpSrPacket

    hooked = cast("Any", sender)
    send_rtcp = hooked._send_rtcp  # noqa: SLF001

    async def with_times(packets: list[Any]) -> None:
        for packet in packets:
            if isinstance(packet, RtcpSrPacket) and track.given_ns:
                packet.sender_info.ntp_timestamp = _ntp(track.given_ns)
        await send_rtcp(packets)

    hooked._send_keyframe, hooked._send_rtcp = want_key, with_times  # noqa: SLF001


def _ntp(monotonic_ns: int) -> int:
    """Give a time of this computer's steady clock as RTCP has it: the clock's zero is taken for 1970."""
    seconds, rest_ns = divmod(monotonic_ns, 1_000_000_000)
    return (seconds + _NTP_AT_1970_S) << 32 | (rest_ns << 32) // 1_000_000_000


async def _reports(senders: "Iterable[RTCRtpSender]") -> "list[RTCRemoteInboundRtpStreamStats]":
    """Give what the other side last said of what arrived."""
    from aiortc import RTCRemoteInboundRtpStreamStats

    return [
        one
        for sender in senders
        for one in cast("Mapping[str, object]", await sender.getStats()).values()
        if isinstance(one, RTCRemoteInboundRtpStreamStats)
    ]


def _keep_to_own_addresses() -> None:
    """Let aioice, which leaves out this computer's own address, take that and no other where it was asked to."""
    import aioice.ice

    module = cast("Any", aioice.ice)
    found: Callable[..., list[str]] = module.get_host_addresses
    if hasattr(found, "is_of_mien"):
        return

    def addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:  # noqa: FBT001 - as aioice calls it
        return ["127.0.0.1"] if _ONLY_HERE.get() else found(use_ipv4=use_ipv4, use_ipv6=use_ipv6)

    cast("Any", addresses).is_of_mien = True
    module.get_host_addresses = addresses
