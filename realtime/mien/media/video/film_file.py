"""The file of a film: its name for FFmpeg, which stream is the film, its packets in a row, the times of its frames."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from mien.media.video.completeness import Completeness
from mien.media.video.continuity import AnyPacket, Continuity
from mien.media.video.upright import decoder_of

_DEFAULT_RATE: Final = Fraction(30)


def ffmpeg_path(path: Path) -> str:
    """Give the name by which FFmpeg opens exactly this file, whatever its name looks like."""
    return f"file:{path}"


def is_film(stream: VideoStream) -> bool:
    """Whether a stream holds moving pictures that can be decoded: no cover of a song, no codec that nobody knows."""
    return not stream.disposition & Disposition.attached_pic and _has_decoder(stream)


def kind_of(stream: Stream) -> str:
    """Say what a stream is that is no film."""
    if stream.type != "video":
        return stream.type
    return "a cover" if stream.disposition & Disposition.attached_pic else "a video of an unknown kind"


def _has_decoder(stream: Any) -> bool:  # noqa: ANN401 - PyAV says that there always is one
    return getattr(stream, "codec_context", None) is not None


class FilePackets:
    """Reads a file that is open, once. Has state: how far it has come, and what was missing."""

    def __init__(self, path: Path, container: InputContainer, pictures: VideoStream) -> None:
        """Take a file and the stream of it whose pictures are wanted."""
        self._container = container
        self._pictures = pictures.index
        self._decode = decoder_of(pictures)
        self._continuity = Continuity(container, pictures)
        self._recording = -1
        self._is_opening = True
        self._forgivable = 0
        self._unopened: set[int | None] = set()
        self.completeness: Final = Completeness(path, container, pictures)

    @property
    def jumps(self) -> int:
        """How often the file's clock has jumped."""
        return self._continuity.jumps

    @property
    def unopened(self) -> int:
        """How many pictures could not be decoded because a recording begins between two key frames."""
        return len(self._unopened)

    def __iter__(self) -> Iterator[AnyPacket]:
        """Give the packets of every stream, at times that go on."""
        packets = self._container.demux()
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError:  # the file ends in the middle of something
                self.completeness.count_damage()
                return
            if packet is None:
                return
            self.completeness.see(packet)
            yield from self._continuity(packet)

    def pictures_of(self, packet: AnyPacket) -> Iterator[av.VideoFrame]:
        """Decode a packet; one of another stream holds no picture, and what cannot be decoded is counted."""
        if packet.stream.index != self._pictures:
            return
        self._open(packet)
        try:
            for frame in self._decode(packet):
                if isinstance(frame, av.VideoFrame):
                    self._unopened.discard(frame.pts)
                    if frame.is_corrupt:
                        self._count_damage()
                    yield frame
        except FFmpegError:
            self._count_damage()

    def _open(self, packet: AnyPacket) -> None:
        """Count the packets before a recording's first key frame, which need others that are not there."""
        if self._recording != self.jumps:
            self._recording, self._is_opening = self.jumps, True
        self._is_opening = self._is_opening and not packet.is_keyframe
        if self._is_opening and packet.size > 0:
            self._forgivable += 1
            self._unopened.add(packet.dts if packet.pts is None else packet.pts)

    def _count_damage(self) -> None:
        """Count a picture; a decoder with several threads complains some packets later."""
        if self._forgivable:
            self._forgivable -= 1
        else:
            self.completeness.count_damage()


class FrameTimes:
    """Gives every frame a time after that of the one before; keeps the last."""

    def __init__(self, time_base: Fraction, start_s: Fraction, rate: Fraction | None) -> None:
        """Count from `start_s` of the file in ticks of `time_base` seconds.

        `rate` says how soon a frame follows where the file does not.
        """
        self._start = round(start_s / time_base)
        self.step: Final = max(1, round(1 / ((rate or _DEFAULT_RATE) * time_base)))
        """Ticks from one frame to the next where the file does not say."""
        self.end = 0
        """When the last frame ends."""
        self._last: int | None = None

    def ticks(self, frame: av.VideoFrame) -> int:
        """Give a frame's time from the start of the file."""
        after = 0 if self._last is None else self._last + self.step
        shown = after if frame.pts is None else max(0, frame.pts - self._start)
        if self._last is not None and shown <= self._last:
            shown = self._last + max(1, self.step // 2)
        self._last, self.end = shown, shown + (frame.duration or self.step)
        return shown


def steady_rate(stream: VideoStream) -> Fraction | None:
    """Give the rate, or None where the smallest step between frames and their mean do not agree to 2 %."""
    mean, smallest = stream.average_rate, stream.base_rate
    if mean is None or mean <= 0:
        return None
    if smallest and abs(float(smallest / mean) - 1) > 0.02:
        return None
    return mean
