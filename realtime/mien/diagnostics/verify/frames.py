"""The file that is looked at, here or brought from the web: a dozen pictures a second, each with its time."""

import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote

from av import VideoFrame

from mien.media.pictures import read_picture
from mien.media.video.upright import Orientations, upright_bgr
from mien.pipeline.offline import is_picture
from mien.pipeline.offline.reader import VideoReader, open_video
from mien.pipeline.offline.summary import Summary
from mien_models.errors import SourceError
from mien_models.library.web import is_address, open_address, split_address
from mien_models.system.causes import cause_of, is_full
from mien_models.types import BgrU8

MOST_BYTES: Final = 2 * 2**30
_CHUNK_BYTES: Final = 2**18
_SAMPLE_S: Final = 1 / 12
"""Two pictures in each of the detector's bins; more would only take longer."""


@contextmanager
def local_copy(target: str, progress: Callable[[int, int | None], None]) -> Generator[Path]:
    """Give the path of a file, or of a copy of what an address of the web gives, which is removed at the end.

    Raises:
        UsageError: an address that is not http or https.
        SourceError: it does not come, or is larger than 2 GiB.
    """
    if not is_address(target):
        yield Path(target)
        return
    with tempfile.TemporaryDirectory(prefix="mien-verify-") as folder:
        suffix = PurePosixPath(unquote(split_address(target).path)).suffix[:8]
        path = Path(folder) / f"file{suffix if suffix[1:].isalnum() else ''}"
        try:
            _fetch(target, path, progress)
        except (OSError, HTTPException) as error:
            if isinstance(error, OSError) and is_full(error):
                raise SourceError(f"There is no room here for a copy of it: {cause_of(error)}.") from error
            reason = str(getattr(error, "reason", error)) or type(error).__name__
            raise SourceError(f"{split_address(target).hostname} does not give that file: {reason}.") from error
        yield path


def _fetch(address: str, path: Path, progress: Callable[[int, int | None], None]) -> None:
    with open_address(address, {}) as answered, path.open("wb") as file:
        length = answered.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        done = 0
        while chunk := answered.read(_CHUNK_BYTES):
            done += len(chunk)
            if max(done, total or 0) > MOST_BYTES:
                raise SourceError(f"The file is larger than {MOST_BYTES // 2**30} GiB. Download a part of it yourself.")
            file.write(chunk)
            progress(done, total)


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
