"""Reads a video packet by packet: pictures are decoded, everything else is handed on, damage is counted."""

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Protocol

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from mien.media.letterbox import letterbox
from mien.media.video.deinterlacing import deinterlaced
from mien.media.video.film_file import FilePackets, FrameTimes, ffmpeg_path, is_film, kind_of
from mien.media.video.upright import Orientation, Orientations, upright_bgr
from mien.pipeline.frame import Frame
from mien.pipeline.offline.summary import Summary
from mien_models.errors import SourceError
from mien_models.types import BgrU8

_LONGEST_DELAY_S: Final = Fraction(1, 10)
"""What an encoder of sound puts before its first sample; Opus 6.5 ms, AAC up to 96 ms."""
_NOT_VIDEO: Final = frozenset({"tty"})  # FFmpeg shows any text file as a film of a terminal


class OtherStreamsInfo(Protocol):
    """Takes the packets of every stream but the one that is swapped."""

    def take(self, packet: "Packet[Any]") -> None:
        """Take one packet of the input."""
        ...


def open_video(path: Path, stack: ExitStack) -> tuple[InputContainer, VideoStream]:
    """Open a file and choose the stream whose faces are swapped: the first one with moving pictures.

    Raises:
        SourceError: it cannot be read or holds no video.
    """
    try:
        source = stack.enter_context(av.open(ffmpeg_path(path), metadata_errors="replace"))
    except (FFmpegError, OSError, ValueError) as error:
        found = "is empty" if path.stat().st_size == 0 else "is no video that can be read, or it is cut off or damaged"
        raise SourceError(f"{str(path)!r} {found}. Give a whole picture or video.") from error
    if source.format.name in _NOT_VIDEO:
        raise SourceError(f"{str(path)!r} is a text, not a video. Give a picture or video.")
    for stream in source.streams.video:
        if is_film(stream):
            stream.thread_type = "AUTO"
            return source, stream
    kinds = ", ".join(sorted(set(map(kind_of, source.streams))))
    found = f"no video, only {kinds}" if kinds else "nothing that can be played"
    raise SourceError(f"{str(path)!r} holds {found}. Give a file with a picture.")


def first_frame(path: Path) -> av.VideoFrame:
    """Decode the first frame, which shapes the output.

    Raises:
        SourceError: no frame can be decoded.
    """
    with ExitStack() as stack:
        reader = VideoReader(path, *open_video(path, stack), Summary())
        for frame in reader.decoded(None):
            return frame
    raise SourceError(f"No frame of {str(path)!r} can be decoded. Try another file.")


def last_length_s(path: Path) -> Fraction:
    """Say how long the last picture of a video is shown, in seconds; nothing is decoded.

    Raises:
        SourceError: it cannot be read or holds no video.
    """
    with ExitStack() as stack:
        source, stream = open_video(path, stack)
        shown = [
            (packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base)
            for packet in FilePackets(path, source, stream)
            if packet.stream.index == stream.index and packet.pts is not None
        ]
        length_s = max(shown)[1] if shown else 0
        return Fraction(length_s or 1 / (stream.guessed_rate or stream.average_rate or Fraction(10)))


def start_of(stream: VideoStream) -> Fraction:
    """Give the seconds at which a stream's file starts; the output starts at 0, as players show it.

    Sound that begins a little before 0 is none that is heard; but where the pictures do, too, the file's clock does.
    In Matroska those pictures have no times, so there it is sound that begins earlier than any encoder's delay.
    """
    container = stream.container
    start = container.start_time if isinstance(container, InputContainer) else None
    if start is not None:
        start_s, is_matroska = Fraction(start, av.time_base), "matroska" in container.format.name
        if start >= 0 or (is_matroska and start_s < -_LONGEST_DELAY_S):
            return start_s
    return min(Fraction(0), (stream.start_time or 0) * (stream.time_base or Fraction(1)))


class VideoReader:
    """Has state: how much of the file was there."""

    def __init__(self, path: Path, source: InputContainer, stream: VideoStream, summary: Summary) -> None:
        self._path = path
        self._source = source
        self._stream = stream
        self._summary = summary
        self._packets = FilePackets(path, source, stream)
        self._orientations = Orientations()
        self._size: tuple[int, int] | None = None
        self._pixel_shapes: dict[tuple[int, int], Fraction] = {}

    @property
    def estimated_frames(self) -> int | None:
        """How many frames there will be, for a progress bar; None where nothing tells."""
        if self._stream.frames:
            return self._stream.frames
        if not self._source.duration or not self._stream.average_rate:
            return None
        return round(self._source.duration * self._stream.average_rate / av.time_base)

    def frames(self, others: OtherStreamsInfo) -> Iterator[tuple[Frame, av.VideoFrame]]:
        """Give every frame that can be decoded, and its picture, in the order they are shown.

        Their `pts` count from the start of the file and grow from one to the next, and `duration` is known.
        """
        rate = self._stream.guessed_rate or self._stream.average_rate
        time_base = self._stream.time_base or Fraction(1, 90_000)
        times = FrameTimes(time_base, start_of(self._stream), rate)
        decoded = self.decoded(others)
        while True:
            with self._summary.stage("decode").measure():
                frame = next(decoded, None)
                if frame is None:
                    return
                orientation = self._orientations.of(frame)
                image = self._fitted(upright_bgr(frame, orientation, is_exact=True), frame, orientation)
            self._summary.count_read()
            frame.pts, frame.time_base = times.ticks(frame), time_base
            frame.duration = frame.duration or times.step
            shown_ns = int(frame.pts * time_base * 1_000_000_000)
            yield Frame(image=image, index=self._summary.read.count - 1, captured_ns=shown_ns), frame

    def decoded(self, others: OtherStreamsInfo | None) -> Iterator[av.VideoFrame]:
        """Decode frame by frame, progressive; what cannot be decoded is counted."""
        note = (
            "The video is interlaced: its fields are woven into whole pictures (bwdif), and it is written progressive."
        )
        return deinterlaced(self._decoded(others), self._stream, lambda: self._summary.note(note))

    def _decoded(self, others: OtherStreamsInfo | None) -> Iterator[av.VideoFrame]:
        for packet in self._packets:
            yield from self._packets.pictures_of(packet)
            if others is not None and packet.stream.index != self._stream.index:
                others.take(packet)

    def judge(self) -> None:
        """Note it when the input was not whole, or its time jumped; call it after the last frame."""
        jumps, completeness = self._packets.jumps, self._packets.completeness
        self._summary.expected = completeness.announced
        if jumps:
            times = "once" if jumps == 1 else f"{jumps} times"
            self._summary.note(
                f"The clock of {self._path.name} jumps {times}, as in recordings that were joined or begun anew; "
                "pictures and sound go on there at once."
            )
        if self._packets.unopened:
            self._summary.note(
                f"{self._path.name} begins between two key frames: {self._packets.unopened} pictures before the next "
                "one cannot be decoded and are left out."
            )
        lack = completeness.lack(self._summary.read.count)
        if lack is not None:
            self._summary.is_complete = False
            self._summary.note(f"{self._path.name} is cut off or damaged: {lack} could be read and written.")

    def _fitted(self, image: BgrU8, frame: av.VideoFrame, orientation: Orientation) -> BgrU8:
        """Give every frame the size of the first, before any stage sees it: a face stays followed through a change."""
        height, width = image.shape[:2]
        self._size = self._size or (width, height)
        if self._size != (width, height):
            self._summary.note(
                f"The video changes its size to {width}x{height}; "
                f"those frames are fitted into {self._size[0]}x{self._size[1]}."
            )
        return letterbox(image, *self._size, widening=self._widening(frame, orientation))

    def _widening(self, frame: av.VideoFrame, orientation: Orientation) -> float:
        """Compare the shape of a frame's pixels with that of the first's; a change comes with one of the size."""
        shape = self._stream.codec_context.sample_aspect_ratio or Fraction(1)
        shape = self._pixel_shapes.setdefault((frame.width, frame.height), shape)
        widening = shape / next(iter(self._pixel_shapes.values()))
        return float(1 / widening if orientation.is_sideways else widening)
