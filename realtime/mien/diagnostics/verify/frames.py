"""Reads pictures and videos as the detector wants them: a dozen pictures a second, each with its time."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from av import VideoFrame

from mien.media.convert import upright_bgr
from mien.media.pictures import read_picture
from mien.media.video.orientation import Orientations
from mien.pipeline.offline import is_picture
from mien.pipeline.offline.reader import VideoReader, open_video
from mien.pipeline.offline.summary import Summary
from mien_models.errors import SourceError
from mien_models.types import BgrU8

_SAMPLE_S: Final = 1 / 12
"""Two pictures in each of the detector's bins; more would only take longer."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One picture."""

    image_bgr: BgrU8
    at_s: float
    """Seconds from the start of the file."""


class MediaFrames:
    """A file that is looked at. Has state: how much of it there was."""

    def __init__(self, path: Path) -> None:
        """Take the path.

        Raises:
            SourceError: there is no such file.
        """
        if not path.exists():
            raise SourceError(f"There is no file {str(path)!r}. Check the path.")
        if path.is_dir():
            raise SourceError(f"Expected a picture or video, and {str(path)!r} is a folder. Name a file in it.")
        self._path = path
        self._summary = Summary()
        self.is_still = is_picture(path)
        """Whether it is one picture."""
        self.duration_s: float | None = None
        """What the file says, known once samples come."""
        self.ends_s = 0.0
        """The time of the last picture so far."""

    @property
    def is_damaged(self) -> bool:
        """Whether it ended before its announced end, or pictures in it could not be decoded."""
        return not self._summary.is_complete

    def samples(self) -> Iterator[Sample]:
        """Give the pictures in order.

        Raises:
            PhotoError, SourceError: it cannot be read, or holds no picture.
        """
        if self.is_still:
            yield Sample(read_picture(self._path).image_bgr, 0.0)
            return
        with ExitStack() as stack:
            source, stream = open_video(self._path, stack)
            self.duration_s = None if not source.duration else source.duration / 1_000_000
            reader = VideoReader(self._path, source, stream, self._summary)
            begins_s: float | None = None
            due_s = 0.0
            orientations = Orientations()
            for number, frame in enumerate(reader.decoded(None)):
                shown_s = _time_of(frame, number)
                orientation = orientations.of(frame)
                begins_s = shown_s if begins_s is None else begins_s
                self.ends_s = shown_s - begins_s
                self._summary.count_read()
                if self.ends_s >= due_s:
                    due_s = max(due_s + _SAMPLE_S, self.ends_s)
                    yield Sample(upright_bgr(frame, orientation), self.ends_s)
            if begins_s is None:
                raise SourceError(f"No frame of {str(self._path)!r} can be decoded. Try another file.")
            reader.judge()


def _time_of(frame: VideoFrame, number: int) -> float:
    """Give the frame's time; where the file has none, as if it showed 25 a second."""
    return number / 25 if frame.pts is None or not frame.time_base else float(frame.pts * frame.time_base)
