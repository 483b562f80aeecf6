"""Encodes pictures while they come: H.264 by whatever of this computer proves itself, for any number of takers."""

import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

import av
import numpy as np
from av.codec.context import Flags
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from av.video.stream import VideoStream

from mien_models.errors import SinkError
from mien_models.types import BgrU8

_LOG = logging.getLogger(__name__)
TIME_BASE: Final = Fraction(1, 90_000)
_EXACT: Final = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
"""Without it every colour comes out a level too dark."""
_SOFTWARE: Final = "libx264"
_HARDWARE: Final = ("h264_nvenc", "h264_videotoolbox", "h264_qsv", "h264_amf")
_BASELINE: Final = {"h264_amf": "constrained_baseline", "h264_videotoolbox": "constrained_baseline"}
"""What encoders call that profile that do not call it 'baseline'."""
_HELD_BACK_S: Final = Fraction(1, 4)
_MOST_HELD_BACK: Final = 5
"""Frames. With ten, files are a tenth larger and hardly better; with none they are twice as large."""
_MOST_THREADS: Final = 3
"""Of the encoder; each holds back one more frame."""
_KEPT: Final = 1200
"""Packets that a slow taker may be behind: 20 s at 60 frames a second; then it goes on with the next key frame."""

VideoPacket: TypeAlias = "Packet[VideoStream]"


@dataclass(frozen=True, slots=True)
class VideoWish:
    """How pictures are to be encoded. Two takers with equal wishes share one encoder."""

    width: int
    height: int
    fps: Fraction
    quality: int | None
    """x264's constant rate factor, 0..51, smaller is better; None: a bit rate counts."""
    bit_rate: int | None = None
    """Bits a second, for a line that takes no more."""
    is_prompt: bool = False
    """Whether no frame may wait in the encoder: for streams and calls."""
    is_baseline: bool = False
    """Whether only H.264's simplest profile is used, the one that every browser has to read by WebRTC (RFC 7742)."""
    may_use_hardware: bool = True


class LiveVideo:
    """One encoder; has state: what it is at, and the packets that its takers may still want.

    Any thread may call anything. A frame that was encoded for one taker is there for all.
    """

    def __init__(self, wish: VideoWish) -> None:
        """Open the first encoder that proves itself.

        Raises:
            SinkError: there is none, a mistake of this build of FFmpeg.
        """
        self.wish = wish
        self._lock = threading.Lock()
        self._encoder = _opened(wish)
        self._last_index = -1
        self._last_pts = -1
        self._wants_key = False
        self._packets: deque[VideoPacket] = deque(maxlen=_KEPT)
        self._numbered = 0

    @property
    def template(self) -> VideoStream:
        """What a muxer must know of the packets."""
        return self._encoder.stream

    @property
    def name(self) -> str:
        """The encoder, as FFmpeg calls it."""
        return self._encoder.name

    def write(self, index: int, image_bgr: BgrU8, captured_ns: int) -> None:
        """Encode one picture, unless it or a later one is encoded already.

        Args:
            index: counts pictures; the same for all takers.
            image_bgr: (height, width, 3).
            captured_ns: its time; of packets it is kept in 1/90000 s.

        Raises:
            OSError: the encoder failed.
        """
        with self._lock:
            if index <= self._last_index:
                return
            self._last_index = index
            self._last_pts = max(self._last_pts + 1, round(captured_ns / 1_000_000_000 / TIME_BASE))
            wants_key, self._wants_key = self._wants_key, False
            self._keep(self._encoder.encode(image_bgr, self._last_pts, wants_key=wants_key))

    def finish(self) -> None:
        """Encode what still waits; nothing can be written after it."""
        with self._lock:
            self._keep(self._encoder.rest())

    def taker(self) -> "VideoTaker":
        """Give somebody all packets from the next key frame on, which comes with the next picture."""
        with self._lock:
            self._wants_key = self._wants_key or self._numbered > 0
            return VideoTaker(self, self._numbered)

    def want_key(self) -> None:
        """Make the next picture a key frame."""
        with self._lock:
            self._wants_key = True

    def change_bit_rate(self, bit_rate: int) -> None:
        """Spend so many bits a second from now on; without effect where a quality was wished for."""
        with self._lock:
            self._encoder.change_bit_rate(bit_rate)

    def after(self, number: int) -> tuple[int, Sequence[VideoPacket]]:
        """Give the packets from `number` on that are still kept, and the number of the first of them."""
        with self._lock:
            first = max(number, self._numbered - len(self._packets))
            kept = list(self._packets)
            return first, kept[len(kept) - (self._numbered - first) :] if self._numbered > first else []

    def _keep(self, packets: Sequence[VideoPacket]) -> None:
        self._packets.extend(packets)
        self._numbered += len(packets)


class VideoTaker:
    """One of those that take packets. Has state: which it has, and whether it waits for a key frame."""

    def __init__(self, video: LiveVideo, number: int) -> None:
        self.video = video
        self._number = number
        self._waits_for_key = True

    def take(self) -> list[VideoPacket]:
        """Give what is new; after a loss, from the next key frame on."""
        first, given = self.video.after(self._number)
        packets: list[VideoPacket] = list(given)
        if first > self._number and not self._waits_for_key:
            self.skip_to_key()
        self._number = first + len(packets)
        if self._waits_for_key:
            keys = [at for at, packet in enumerate(packets) if packet.is_keyframe]
            packets = packets[keys[0] :] if keys else []
            self._waits_for_key = not keys
        return packets

    def skip_to_key(self) -> None:
        """Leave out everything until the next key frame, and have that made."""
        self._waits_for_key = True
        self.video.want_key()


class _Encoder:
    """An encoder of FFmpeg in a container that is never written: only there it can be a template for others."""

    def __init__(self, name: str, wish: VideoWish) -> None:
        self.name = name
        self._container = av.open("-", "w", format="null")
        stream = self._container.add_stream(name, rate=wish.fps, options=dict(_options(name, wish)))
        assert isinstance(stream, VideoStream)  # noqa: S101 - every codec of this file makes pictures
        self.stream = stream
        stream.width, stream.height, stream.pix_fmt = wish.width, wish.height, "yuv420p"
        codec = stream.codec_context
        codec.time_base, codec.framerate = TIME_BASE, wish.fps
        # With B-frames a fragmented file starts late by their delay, and streaming services refuse them.
        codec.max_b_frames = 0
        codec.gop_size = max(1, round(2 * wish.fps))
        codec.colorspace, codec.color_range = Colorspace.ITU709, ColorRange.MPEG
        codec.color_primaries, codec.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        codec.flags |= Flags.global_header
        if wish.bit_rate is not None:
            codec.bit_rate = wish.bit_rate
        self._container.start_encoding()

    def encode(self, image_bgr: BgrU8, pts: int, *, wants_key: bool) -> Sequence[VideoPacket]:
        """Give what is ready."""
        picture = VideoFrame.from_numpy_buffer(np.ascontiguousarray(image_bgr), "bgr24")
        converted = picture.reformat(
            self.stream.width,
            self.stream.height,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=_EXACT,
        )
        converted.pts, converted.time_base = pts, TIME_BASE
        if wants_key:
            converted.pict_type = PictureType.I
        return self.stream.encode(converted)  # pyright: ignore[reportUnknownVariableType]

    def rest(self) -> Sequence[VideoPacket]:
        """Give what still waits."""
        return self.stream.encode(None)  # pyright: ignore[reportUnknownVariableType]

    def change_bit_rate(self, bit_rate: int) -> None:
        """Reconfigure it: x264 and NVENC look at these before each frame."""
        codec = self.stream.codec_context
        if codec.bit_rate:
            codec.bit_rate = bit_rate


def _options(name: str, wish: VideoWish) -> Mapping[str, str]:
    """Choose an encoder's settings: visually clean, and fast enough to leave a laptop's cores to the swap."""
    rate: Mapping[str, str] = {} if wish.bit_rate is None else _capped(wish.bit_rate)
    if wish.is_baseline:
        rate = {**rate, "profile": _BASELINE.get(name, "baseline")}
    if name != _SOFTWARE:
        return rate
    # None at four frames a second and below, where one would be too much of what a kill may cost.
    held_back = 0 if wish.is_prompt else min(_MOST_HELD_BACK, int(wish.fps * _HELD_BACK_S))
    threads = _MOST_THREADS if wish.is_prompt else max(1, min(_MOST_THREADS, held_back))
    options = {"preset": "veryfast", "rc-lookahead": str(held_back), "threads": str(threads)}
    if wish.is_prompt:
        options["tune"] = "zerolatency"
    if wish.quality is not None:
        options["crf"] = str(wish.quality)
    # A key frame that is asked for must be one where a player can begin.
    return {**options, "forced-idr": "1", **rate}


def _capped(bit_rate: int) -> Mapping[str, str]:
    """Keep the rate within a second's worth of bits: what services ask of a stream."""
    return {"maxrate": str(bit_rate), "bufsize": str(bit_rate)}


def _opened(wish: VideoWish) -> _Encoder:
    names = (*_HARDWARE, _SOFTWARE) if wish.may_use_hardware and wish.quality is None else (_SOFTWARE,)
    failures: list[str] = []
    for name in names:
        try:
            if name != _SOFTWARE:
                prove(name, wish)
            return _Encoder(name, wish)
        except (FFmpegError, ValueError, OSError) as error:
            failures.append(f"{name}: {error}")
            _LOG.debug("the encoder %s does not work here: %s", name, error)
    raise SinkError(f"No H.264 encoder works here ({'; '.join(failures)}).")


def prove(name: str, wish: VideoWish) -> None:
    """Encode and decode half a second of a picture that moves, and compare.

    Raises:
        ValueError: what comes out is not what went in.
        FFmpegError: the encoder does not open or run, as on computers that have no such chip.
    """
    encoder = _Encoder(name, wish)
    rows, columns = np.mgrid[: wish.height, : wish.width]
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = encoder.stream.codec_context.extradata
    packets: list[VideoPacket] = []
    for number in range(15):
        grey = ((rows + columns + 4 * number) % 256).astype(np.uint8)
        packets += encoder.encode(np.repeat(grey[..., None], 3, axis=2), number * 3000, wants_key=number == 7)
    packets += encoder.rest()
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    expected = (np.add(rows, columns) % 256).astype(np.int16)
    seen = frames[0].to_ndarray(format="gray").astype(np.int16) if frames else expected + 255
    if len(frames) != 15 or float(np.median(np.abs(seen - expected))) > 12:
        raise ValueError(f"{len(frames)} of 15 pictures came back, or other ones")
