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
from av.stream import Disposition
from av.video.stream import VideoStream

from mien.intake.decoding import upright_bgr
from mien.intake.deinterlacing import deinterlaced
from mien.letterbox import letterbox
from mien.offline.result import Tally
from mien.packet import FramePacket
from mien.recording.ffmpeg_path import ffmpeg_path
from mien_models.arrays import BgrU8
from mien_models.errors import SourceError

_ENDS_EARLY_S: Final = 0.5
_NOT_VIDEO: Final = frozenset({"tty"})  # FFmpeg shows any text file as a film of a terminal


class OtherStreams(Protocol):
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
        if not stream.disposition & Disposition.attached_pic:
            stream.thread_type = "AUTO"
            return source, stream
    kinds = ", ".join(sorted({"a cover" if one.type == "video" else one.type for one in source.streams}))
    found = f"no video, only {kinds}" if kinds else "nothing that can be played"
    raise SourceError(f"{str(path)!r} holds {found}. Give a file with a picture.")


def first_frame(path: Path) -> av.VideoFrame:
    """Decode the first frame, which shapes the output.

    Raises:
        SourceError: no frame can be decoded.
    """
    with ExitStack() as stack:
        reader = VideoReader(path, *open_video(path, stack), Tally())
        for frame in reader.decoded(None):
            return frame
    raise SourceError(f"No frame of {str(path)!r} can be decoded. Try another file.")


def start_of(stream: VideoStream) -> Fraction:
    """Give the seconds at which a stream's file starts; the output starts at 0, as players show it."""
    start = stream.container.start_time if isinstance(stream.container, InputContainer) else None
    return max(Fraction(0), Fraction(start or 0, av.time_base))


class VideoReader:
    """Has state: how much of the file was there."""

    def __init__(self, path: Path, source: InputContainer, stream: VideoStream, tally: Tally) -> None:
        self._path = path
        self._source = source
        self._stream = stream
        self._tally = tally
        self._packets = 0
        self._damaged = 0
        self._ends_s = Fraction(0)
        self._size: tuple[int, int] | None = None
        tally.expected = stream.frames or None

    @property
    def estimated_frames(self) -> int | None:
        """How many frames there will be, for a progress bar; None where nothing tells."""
        if self._stream.frames:
            return self._stream.frames
        if not self._source.duration or not self._stream.average_rate:
            return None
        return round(self._source.duration * self._stream.average_rate / av.time_base)

    def frames(self, others: OtherStreams) -> Iterator[tuple[FramePacket, av.VideoFrame]]:
        """Give every frame that can be decoded, and its picture, in the order they are shown."""
        start_s = Fraction(self._source.start_time or 0, av.time_base)
        decoded = self.decoded(others)
        while True:
            with self._tally.stage("decode").measure():
                frame = next(decoded, None)
                if frame is None:
                    return
                image = self._fitted(upright_bgr(frame, is_exact=True))
            self._tally.count_read()
            time_s = start_s if frame.pts is None or not frame.time_base else frame.pts * frame.time_base
            shown_ns = max(0, int((time_s - start_s) * 1_000_000_000))
            packet = FramePacket(image=image, index=self._tally.read.count - 1, captured_ns=shown_ns)
            yield packet, frame

    def decoded(self, others: OtherStreams | None) -> Iterator[av.VideoFrame]:
        """Decode frame by frame, progressive; what cannot be decoded is counted."""
        note = (
            "The video is interlaced: its fields are woven into whole pictures (bwdif), and it is written progressive."
        )
        return deinterlaced(self._decoded(others), self._stream, lambda: self._tally.note(note))

    def _decoded(self, others: OtherStreams | None) -> Iterator[av.VideoFrame]:
        packets = self._source.demux()
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError:  # the file ends in the middle of something
                self._damaged += 1
                packet = None
            if packet is None:
                return
            self._see(packet)
            if packet.stream.index == self._stream.index:
                yield from self._frames_of(packet)
            elif others is not None:
                others.take(packet)

    def _fitted(self, image: BgrU8) -> BgrU8:
        """Give every frame the size of the first, before any stage sees it: a face stays followed through a change."""
        height, width = image.shape[:2]
        self._size = self._size or (width, height)
        if self._size != (width, height):
            self._tally.note(
                f"The video changes its size to {width}x{height}; "
                f"those frames are fitted into {self._size[0]}x{self._size[1]}."
            )
        return letterbox(image, *self._size)

    def judge(self) -> None:
        """Note it when the input was not whole; call it after the last frame."""
        expected, read = self._tally.expected, self._tally.read.count
        duration_s = (self._source.duration or 0) / av.time_base
        missing_s = duration_s + (self._source.start_time or 0) / av.time_base - float(self._ends_s)
        ends_early = missing_s > max(_ENDS_EARLY_S, duration_s / 50) if expected is None else self._packets < expected
        if self._damaged or ends_early:
            self._tally.is_complete = False
            of = f" of {expected}" if expected is not None and expected > read else ""
            self._tally.note(f"{self._path.name} is cut off or damaged: {read}{of} frames could be read and written.")

    def _frames_of(self, packet: "Packet[Any]") -> Iterator[av.VideoFrame]:
        try:
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    self._damaged += frame.is_corrupt
                    yield frame
        except FFmpegError:
            self._damaged += 1

    def _see(self, packet: "Packet[Any]") -> None:
        self._packets += packet.stream.index == self._stream.index and packet.size > 0
        self._damaged += packet.is_corrupt
        if packet.pts is not None and packet.time_base:
            self._ends_s = max(self._ends_s, (packet.pts + (packet.duration or 0)) * packet.time_base)
