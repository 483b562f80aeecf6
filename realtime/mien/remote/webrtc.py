"""Pictures and sayings by WebRTC (aiortc): H.264, else VP8, and a data channel, all of it encrypted by DTLS."""

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Any, Final, cast

import av
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, VideoStreamTrack
from aiortc.rtcrtptransceiver import RTCRtpTransceiver
from aiortc.stats import RTCRemoteInboundRtpStreamStats

from mien.remote.codecs import TIME_BASE, CodecMeter, use_measured_codecs, video_frame
from mien.remote.protocol import IceServer, ProtocolError
from mien.remote.transport import Arrived, LineStats, OnPicture, OnSaid
from mien_models.types import BgrU8

_MOST_WAITING_BYTES: Final = 64 << 10
"""Sayings are let fall while so much waits to be sent: the other side does not read."""
_CLOSE_S: Final = 3.0
_ANSWER_S: Final = 10.0
_PTS_PER_S: Final = 90_000
_CODECS: Final = ("video/H264", "video/VP8")


class WebRtcTransport:
    """A `FrameTransport`. Has state: the connection, and what waits. Made and closed in one asyncio loop."""

    def __init__(self, on_picture: OnPicture, on_said: OnSaid, ice_servers: Sequence[RTCIceServer] = ()) -> None:
        use_measured_codecs()
        self._loop = asyncio.get_running_loop()
        self._on_picture, self._on_said = on_picture, on_said
        self._meter = CodecMeter()
        self._track = _OutgoingTrack(self._meter)
        # An empty list, not None: aiortc would ask a server on the internet which address this machine has.
        servers = RTCConfiguration(list(ice_servers), bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self._connection = RTCPeerConnection(servers)
        self._tasks: set[asyncio.Task[None]] = set()
        self._newest: av.VideoFrame | None = None
        self._has_new = asyncio.Event()
        self._channel: RTCDataChannel | None = None
        self._connection.on("track", self._take_track)
        self._loss: float | None = None
        self.rtt_ms: float | None = None
        """Set by whoever asks the other side and hears from it."""

    async def offer(self) -> str:
        """Give our side, as SDP."""
        transceiver = self._connection.addTransceiver(self._track, direction="sendrecv")
        _prefer(transceiver)
        self._open_channel()
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return self._connection.localDescription.sdp

    async def accept(self, sdp: str) -> None:
        """Take the other side's answer.

        Raises:
            ProtocolError: it is none.
        """
        await self._set_remote(sdp, "answer")

    async def answer(self, sdp: str) -> str:
        """Take the other side's offer and give our answer, as SDP.

        Raises:
            ProtocolError: it is no offer of one video and one data channel.
        """
        await self._set_remote(sdp, "offer")
        transceivers = self._connection.getTransceivers()
        if any(one.kind != "video" for one in transceivers) or len(transceivers) != 1 or self._connection.sctp is None:
            raise ProtocolError("Expected an SDP offer with one video and one data channel, got another one.")
        # Not before the offer was taken: aiortc would throw away the one way that both share.
        self._open_channel()
        transceivers[0].sender.replaceTrack(self._track)
        transceivers[0].direction = "sendrecv"
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._connection.setLocalDescription(await self._connection.createAnswer())
        except Exception as error:  # what aiortc makes of an offer that it cannot answer is of many kinds
            raise ProtocolError(_GARBAGE) from error
        return self._connection.localDescription.sdp

    def send(self, picture_bgr: BgrU8, captured_ns: int) -> None:
        """Send a picture; of those that wait only the newest goes. Any thread may."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._track.put, picture_bgr, captured_ns)

    def say(self, text: str) -> None:
        """Say something; it falls where the line is full or not there yet. Any thread may."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._say, text)

    @property
    def state(self) -> str:
        """'new', 'connecting', 'connected', 'failed' or 'closed'."""
        return self._connection.connectionState

    def stats(self) -> LineStats:
        """Say how the line does."""
        meter = self._meter
        return LineStats(
            self._codec(),
            self.rtt_ms,
            self._loss,
            meter.encode_times.recent_median_ms,
            meter.decode_times.recent_median_ms,
            meter.bits_per_s,
        )

    async def measure(self) -> None:
        """Bring the loss up to date."""
        reports = cast("dict[str, object]", await self._connection.getStats())
        for report in reports.values():
            if isinstance(report, RTCRemoteInboundRtpStreamStats):
                self._loss = min(max(report.fractionLost / 256, 0.0), 1.0)

    async def close(self) -> None:
        """End; never raises."""
        for task in self._tasks:
            task.cancel()
        self._track.stop()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_CLOSE_S):
                await self._connection.close()

    async def _set_remote(self, sdp: str, kind: str) -> None:
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp, kind))
        except Exception as error:  # what a parser makes of text that anybody may have written is of many kinds
            raise ProtocolError(_GARBAGE) from error

    def _open_channel(self) -> None:
        self._channel = self._connection.createDataChannel(
            "mien", negotiated=True, id=0, ordered=False, maxRetransmits=0
        )
        self._channel.on("message", self._hear)

    def _say(self, text: str) -> None:
        channel = self._channel
        if channel is not None and channel.readyState == "open" and channel.bufferedAmount < _MOST_WAITING_BYTES:
            channel.send(text)

    def _hear(self, text: str | bytes) -> None:
        self._on_said(text)

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "video" and not self._tasks:
            self._begin(self._drain(track))
            self._begin(self._pass_on())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, track: MediaStreamTrack) -> None:
        """Take every picture as it comes: what nobody takes, aiortc keeps for ever."""
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = cast("object", await track.recv())
                if isinstance(frame, av.VideoFrame):
                    self._newest = frame
                    self._has_new.set()
                    if isinstance(frame.opaque, int):
                        self._meter.decode_times.record_ms(frame.opaque / 1e6)

    async def _pass_on(self) -> None:
        """Pass the newest picture on, as bytes that a thread aside makes of it."""
        while True:
            await self._has_new.wait()
            self._has_new.clear()
            frame, self._newest = self._newest, None
            if frame is None:
                continue
            sent_ns = round((frame.pts or 0) * (frame.time_base or TIME_BASE) * 1_000_000_000)
            self._on_picture(Arrived(await asyncio.to_thread(_bgr, frame), sent_ns))

    def _codec(self) -> str | None:
        for transceiver in self._connection.getTransceivers():
            codecs = getattr(transceiver, "_codecs", ())
            if codecs:
                return str(codecs[0].name)
        return None


_GARBAGE: Final = "Expected the other side's picture line as SDP, got something that is none."


class _OutgoingTrack(VideoStreamTrack):
    """What aiortc takes pictures from. Has state: the newest one."""

    def __init__(self, meter: CodecMeter) -> None:
        super().__init__()
        self._meter = meter
        self._next_picture: tuple[BgrU8, int] | None = None
        self._has_one = asyncio.Event()
        self._first_ns: int | None = None
        self._last_pts = -1

    def put(self, picture_bgr: BgrU8, captured_ns: int) -> None:
        """Let this be the next; one that waits is dropped."""
        self._next_picture = picture_bgr, captured_ns
        self._has_one.set()

    async def recv(self) -> av.VideoFrame:
        """Give the next; aiortc asks again once it was encoded and sent."""
        while self._next_picture is None:
            self._has_one.clear()
            await self._has_one.wait()
        picture_bgr, captured_ns = self._next_picture
        self._next_picture = None
        self._first_ns = captured_ns if self._first_ns is None else self._first_ns
        since_ns = captured_ns - self._first_ns
        self._last_pts = max(since_ns * _PTS_PER_S // 1_000_000_000, self._last_pts + 1)
        return video_frame(picture_bgr, self._last_pts, self._meter)


def _bgr(frame: av.VideoFrame) -> BgrU8:
    return frame.to_ndarray(format="bgr24")  # type: ignore[return-value]  # of 8 bits, as its format says


def _prefer(transceiver: RTCRtpTransceiver) -> None:
    """Ask for H.264 first; the way to send lost packets again stays on offer."""
    known = RTCRtpSender.getCapabilities("video").codecs
    ranked = sorted(known, key=lambda one: _CODECS.index(one.mimeType) if one.mimeType in _CODECS else len(_CODECS))
    transceiver.setCodecPreferences(ranked)


def ice_server(one: IceServer) -> RTCIceServer:
    """Give a server as aiortc takes it."""
    return RTCIceServer(one.urls, one.username, one.credential)
