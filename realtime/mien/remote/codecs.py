"""Codecs as a film needs them, not a call: pictures at once, bit rates to match, and what each takes is measured."""

import functools
import logging
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final, Protocol, cast, runtime_checkable

import av
from aiortc import rtcrtpreceiver, rtcrtpsender
from aiortc.codecs import get_decoder, get_encoder, h264, vpx
from aiortc.codecs.base import Decoder, Encoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from av.frame import Frame
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from mien.pipeline.metrics import Histogram
from mien.remote.reassembly import PersistentNack, PromptJitterBuffer, decoded

TIME_BASE: Final = Fraction(1, 90_000)
_LEAST_BITS: Final = 250_000
_MOST_BITS: Final = 12_000_000
_BIT_RATE_STEP: Final = 0.1
"""A new encoder begins with a whole picture, so it is not made anew for less."""
_TIME_STEPS: Final = 120
"""A second has so many steps for the encoder: frames of 60 a second that jitter still lie in steps of their own."""
_ENOUGH_BITS: Final = 0.4
"""For a pixel. More is not seen, and every packet is one more that may be lost."""
_MOST_FPS: Final = 60
_FIRST_INTERVAL_S: Final = 1 / 30
_LONGEST_INTERVAL_S: Final = 0.5
_LEARNS: Final = 0.15
"""Of a gap between two frames: single ones that are long or short say little."""
_RATE_STEP: Final = 1.4
"""A rate that is so many times another is worth the whole picture that a new encoder begins with."""


class CodecMeter:
    """What one line's codecs take. Has state: two histograms, and the bit rate. One thread writes each."""

    def __init__(self) -> None:
        self.encode_times, self.decode_times = Histogram(), Histogram()
        self.bits_per_s: int | None = None


class _FastH264(h264.H264Encoder):
    """Encodes in half of the time that aiortc's own takes, for a tenth more bits. Has state: how fast frames come.

    x264 shares the bit rate out among the frames of its `framerate`, whatever their times: it has to be the real one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last_s: float | None = None
        self._interval_s = _FIRST_INTERVAL_S

    def _encode_frame(self, frame: av.VideoFrame, force_keyframe: bool) -> Iterator[bytes]:  # noqa: FBT001 - aiortc's
        self._learn_interval(frame)
        if self.codec is not None and not self._fits(self.codec, frame):
            self.codec = None
        frame.pict_type = PictureType.I if force_keyframe else PictureType.NONE
        if self.codec is None:
            self.codec = self._made(frame)
        yield from self._split_bitstream(b"".join(map(bytes, cast("list[bytes]", self.codec.encode(frame)))))

    def _learn_interval(self, frame: av.VideoFrame) -> None:
        now_s = float((frame.pts or 0) * (frame.time_base or TIME_BASE))
        if self._last_s is not None and now_s > self._last_s:
            gap_s = min(max(now_s - self._last_s, 1 / _MOST_FPS), _LONGEST_INTERVAL_S)
            self._interval_s += (gap_s - self._interval_s) * _LEARNS
        self._last_s = now_s

    def _fits(self, codec: VideoCodecContext, frame: av.VideoFrame) -> bool:
        is_size = (codec.width, codec.height) == (frame.width, frame.height)
        is_rate = 1 / _RATE_STEP < self._interval_s * float(codec.framerate) < _RATE_STEP
        wanted, has = self._bit_rate(frame, codec.framerate), codec.bit_rate or 1
        return is_size and is_rate and abs(wanted - has) <= _BIT_RATE_STEP * has

    def _bit_rate(self, frame: av.VideoFrame, fps: Fraction) -> int:
        enough = round(_ENOUGH_BITS * frame.width * frame.height * fps)
        return min(self.target_bitrate, max(enough, _LEAST_BITS))

    def _made(self, frame: av.VideoFrame) -> VideoCodecContext:
        codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height = frame.width, frame.height
        codec.framerate = Fraction(1 / self._interval_s).limit_denominator(100)
        codec.bit_rate, codec.pix_fmt = self._bit_rate(frame, codec.framerate), "yuv420p"
        codec.time_base = Fraction(1, _TIME_STEPS)
        codec.options = {"level": "31", "tune": "zerolatency", "preset": "superfast"}
        codec.profile = "Baseline"
        return codec


@runtime_checkable
class _Steered(Protocol):
    """An encoder that is told how many bits the line takes."""

    target_bitrate: int


class _MeasuredEncoder(Encoder):
    """Encodes as the one inside does, and tells the meter that a frame brings along."""

    def __init__(self, inner: Encoder) -> None:
        self._inner = inner

    def encode(self, frame: Frame, force_keyframe: bool = False) -> tuple[list[bytes], int]:  # noqa: FBT001, FBT002 - aiortc's
        began_ns = time.monotonic_ns()
        done = self._inner.encode(frame, force_keyframe)
        if isinstance(frame.opaque, CodecMeter):
            frame.opaque.encode_times.record_ms((time.monotonic_ns() - began_ns) / 1e6)
            frame.opaque.bits_per_s = self.target_bitrate
        return done

    def pack(self, packet: "Packet[Any]") -> tuple[list[bytes], int]:
        return self._inner.pack(packet)

    @property
    def target_bitrate(self) -> int:
        """Bits a second that the line takes, as the other side reckons."""
        return self._inner.target_bitrate if isinstance(self._inner, _Steered) else 0

    @target_bitrate.setter
    def target_bitrate(self, bits_per_s: int) -> None:
        if isinstance(self._inner, _Steered):
            self._inner.target_bitrate = bits_per_s


class _MeasuredDecoder(Decoder):
    """Decodes as the one inside does; each frame knows what it took, in nanoseconds."""

    def __init__(self, inner: Decoder) -> None:
        self._inner = inner

    def decode(self, encoded_frame: JitterFrame) -> list[Frame]:
        began_ns = time.monotonic_ns()
        frames = decoded(self._inner, encoded_frame)
        for frame in frames:
            frame.opaque = time.monotonic_ns() - began_ns
        return frames


def _encoder(codec: RTCRtpCodecParameters) -> Encoder:
    made = get_encoder(codec)
    return _MeasuredEncoder(_FastH264() if isinstance(made, h264.H264Encoder) else made)


def _decoder(codec: RTCRtpCodecParameters) -> Decoder:
    return _MeasuredDecoder(get_decoder(codec))


@functools.cache
def use_measured_codecs() -> None:
    """Let every line of this process use them; aiortc offers no other place for it."""
    # A picture of which a packet was lost does not decode, which aiortc warns of each time; the status counts losses.
    logging.getLogger("aiortc").setLevel(logging.ERROR)
    # aiortc's limits are made for calls of small pictures.
    h264.MIN_BITRATE = vpx.MIN_BITRATE = _LEAST_BITS
    h264.MAX_BITRATE = vpx.MAX_BITRATE = _MOST_BITS
    setattr(rtcrtpsender, "get_encoder", _encoder)  # noqa: B010 - a name that the module does not offer
    setattr(rtcrtpreceiver, "get_decoder", _decoder)  # noqa: B010 - nor these
    setattr(rtcrtpreceiver, "JitterBuffer", PromptJitterBuffer)  # noqa: B010
    setattr(rtcrtpreceiver, "NackGenerator", PersistentNack)  # noqa: B010


def video_frame(picture_bgr: object, pts: int, meter: CodecMeter) -> av.VideoFrame:
    """Make what is encoded of a picture (h, w, 3), at a time of 1/90000 s."""
    frame = av.VideoFrame.from_ndarray(picture_bgr, format="bgr24")  # type: ignore[arg-type]  # any array
    frame.pts, frame.time_base, frame.opaque = pts, TIME_BASE, meter
    return frame
