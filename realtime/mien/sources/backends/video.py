"""A video file of any container and codec, frame by frame, at the times the file gives."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from mien.media.video.deinterlacing import deinterlaced
from mien.media.video.film_file import FilePackets, FrameTimes, ffmpeg_path, is_film, kind_of, steady_rate
from mien.media.video.upright import Orientations, upright_bgr
from mien.pipeline.frame import UNNUMBERED, Frame
from mien.pipeline.interfaces import SourceInfo
from mien.sources.decoded import DecodedSource
from mien.sources.registry import Claim, SourcePlugin, local_path, names_a_folder, what_is_there
from mien_models.errors import SourceError

_log: Final = logging.getLogger(__name__)

_SUFFIXES: Final = frozenset(
    {".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv"}
    | {".ts", ".vob", ".webm", ".wmv", ".y4m"}
)
"""By which a file that is not there is known; one that is there may have any name."""
_NOT_VIDEO: Final = frozenset({"tty"})  # FFmpeg shows any text file as a film of a terminal


class VideoSource(DecodedSource):
    """Gives every frame of a file in order, never repeats or skips one; what is damaged is left out and said."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self.length_ns = 0
        """When the frame that was decoded last ends, counted from the start of the file."""

    def read(self) -> Frame | None:
        """Decode the next frame; None after the last one. `captured_ns` counts from the start of the file."""
        return next(self._frames, None)

    def _begin(self, stack: ExitStack) -> tuple[SourceInfo, Frame, Iterator[Frame]]:
        """Open the file and decode its first frame.

        Raises:
            SourceError: it cannot be read, holds no video, or no frame of it can be decoded.
        """
        container = self._open(stack)
        stream = self._video_stream(container)
        frames = self._decode(container, stream)
        first = next(frames, None)
        if first is None:
            raise SourceError(f"{self._name} holds a video without a single frame that can be decoded. Try another.")
        return _describe(self._path, container, stream, first), first, frames

    @property
    def _name(self) -> str:
        return repr(str(self._path))

    def _open(self, stack: ExitStack) -> InputContainer:
        try:
            container = stack.enter_context(av.open(ffmpeg_path(self._path), metadata_errors="replace"))
        except FileNotFoundError as error:
            raise SourceError(f"There is no file {self._name}. Check the path.") from error
        except PermissionError as error:
            raise SourceError(f"{self._name} may not be read by this user. Change its permissions.") from error
        except (FFmpegError, OSError, ValueError) as error:
            raise SourceError(self._unreadable()) from error
        if container.format.name in _NOT_VIDEO:
            raise SourceError(self._unreadable())
        return container

    def _unreadable(self) -> str:
        size = self._path.stat().st_size if self._path.exists() else 0
        if size == 0:
            return f"{self._name} is empty, where a video was expected. Give another file."
        return f"{self._name} is no video that can be read, or it is cut off or damaged. Give another file."

    def _video_stream(self, container: InputContainer) -> VideoStream:
        for stream in container.streams.video:
            if is_film(stream):
                stream.thread_type = "AUTO"
                return stream
        kinds = ", ".join(sorted(set(map(kind_of, container.streams)))) or "nothing"
        raise SourceError(f"{self._name} holds no video, only {kinds}. Give a file with moving pictures.")

    def _decode(self, container: InputContainer, stream: VideoStream) -> Iterator[Frame]:
        start_s = Fraction(container.start_time or 0, av.time_base)
        time_base = stream.time_base or Fraction(1, 90_000)
        times = FrameTimes(time_base, start_s, stream.average_rate)
        packets = FilePackets(self._path, container, stream)
        orientations = Orientations()
        index, size = 0, (0, 0)
        decoded = (frame for packet in packets for frame in packets.pictures_of(packet))
        for frame in deinterlaced(decoded, stream, self._say_interlaced):
            image = upright_bgr(frame, orientations.of(frame))
            if index > 0 and image.shape[:2] != size:
                _log.info(
                    "%s changes its size to %dx%d at frame %d.", self._name, image.shape[1], image.shape[0], index
                )
            size = image.shape[:2]
            shown_ns = int(times.ticks(frame) * time_base * 1_000_000_000)
            self.length_ns = int(times.end * time_base * 1_000_000_000)
            yield Frame(image, UNNUMBERED, shown_ns)
            index += 1
        lack = packets.completeness.lack(index)
        if lack is not None and index > 0:
            _log.warning("%s is cut off or damaged: %s could be read.", self._name, lack)

    def _say_interlaced(self) -> None:
        _log.info("%s is interlaced: its fields are woven into whole pictures.", self._name)


def _describe(path: Path, container: InputContainer, stream: VideoStream, first: Frame) -> SourceInfo:
    height, width = first.image.shape[:2]
    rate = steady_rate(stream)
    shown_rate = f"{float(rate):.4g} fps" if rate else "varying rate"
    codec = stream.codec_context.name
    return SourceInfo(
        description=f"{path.name}: {codec} in {container.format.name}, {width}x{height}, {shown_rate}",
        width=width,
        height=height,
        fps=rate,
        frame_count=stream.frames or None,
        is_live=False,
    )


def _claim(address: str) -> Claim:
    path = local_path(address)
    match what_is_there(path):
        case "file":
            return Claim.LIKELY
        case "":
            is_path = names_a_folder(address) or path.suffix.lower() in _SUFFIXES
            return Claim.MISSING if is_path else Claim.NO
        case _:
            return Claim.NO


PLUGIN: Final = SourcePlugin(
    make=lambda request: VideoSource(local_path(request.address)),
    help="a video file",
    address="FILE",
    claims=_claim,
    is_played=True,
)
