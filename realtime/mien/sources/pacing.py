"""Files that play at their own pace, as if they were cameras."""

import itertools
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from types import TracebackType
from typing import Final, Self

from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import End, HasLength, KeepsTime, Source, SourceInfo
from mien_models.errors import SourceError

_log: Final = logging.getLogger(__name__)

_DEFAULT_RATE: Final = Fraction(30)
_LATE_NS: Final = 50_000_000
"""A frame that is later than this moves the clock of the file: what was missed is not caught up."""


class PacedSource:
    """Gives each frame of a file when it is due, over and over; keeps the clock of the file.

    Frames are never skipped here: a file that is decoded too slowly plays slowly.
    """

    def __init__(
        self,
        source: Source,
        *,
        loops: bool = True,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source = source
        self._loops = loops
        self._clock_ns = clock_ns
        self._wait = wait
        self._info: SourceInfo | None = None
        self._next: Frame | None = None
        self._frames: Iterator[Frame] = iter(())
        self._epoch_ns: int | None = None
        self._ends_ns = 0

    @property
    def info(self) -> SourceInfo:
        """What the file holds; not live: it begins when it is read first, and the live loop reads when it is ready."""
        if self._info is None:
            raise RuntimeError("info is known between enter and exit")
        return self._info

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            SourceError: as the file's source.
        """
        self._source.__enter__()
        self._info = self._source.info
        self._next, self._epoch_ns, self._ends_ns = None, None, 0
        self._frames = self._rounds()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._info = None
        self._source.__exit__(kind, error, trace)

    def read(self, timeout_s: float) -> Frame | End | None:
        """Give the next frame when it is due; None when that is later than `timeout_s` from now.

        Raises:
            SourceError: the file can no longer be opened for its next round.
        """
        self._next = self._next or next(self._frames, None)
        if self._next is None:
            return self._end(timeout_s)
        now_ns = self._clock_ns()
        keeps_time = isinstance(self._source, KeepsTime) and self._source.keeps_time
        if self._epoch_ns is None:
            self._epoch_ns = 0 if keeps_time else now_ns - self._next.captured_ns
        due_ns = self._epoch_ns + self._next.captured_ns
        wait_s = (due_ns - now_ns) / 1e9
        if wait_s > 0:
            self._wait(min(wait_s, timeout_s))
        if wait_s > timeout_s:
            return None
        if now_ns - due_ns > _LATE_NS and not keeps_time:
            self._epoch_ns += now_ns - due_ns
            due_ns = now_ns
        frame, self._next = self._next, None
        return replace(frame, captured_ns=due_ns)

    def _end(self, timeout_s: float) -> End | None:
        """Show the last frame for as long as the file says."""
        wait_s = 0.0 if self._epoch_ns is None else (self._epoch_ns + self._ends_ns - self._clock_ns()) / 1e9
        if wait_s > 0:
            self._wait(min(wait_s, timeout_s))
        return None if wait_s > timeout_s else End()

    def _rounds(self) -> Iterator[Frame]:
        """Give the frames of round after round, with times that go on."""
        interval_ns = int(1_000_000_000 / (self._source.info.fps or _DEFAULT_RATE))
        start_ns = 0
        while True:
            last_ns = start_ns
            for frame in self._round(interval_ns):
                last_ns = start_ns + frame.captured_ns
                yield replace(frame, captured_ns=last_ns)
            length_ns = self._source.length_ns if isinstance(self._source, HasLength) else 0
            self._ends_ns = max(start_ns + length_ns, last_ns + 1)
            if not self._loops:
                return
            start_ns = self._ends_ns if length_ns else last_ns + interval_ns
            self._source.__exit__(None, None, None)
            self._source.__enter__()

    def _round(self, interval_ns: int) -> Iterator[Frame]:
        is_still = self._loops and self._source.info.frame_count == 1
        while (frame := self._read_good()) is not None:
            yield frame
            if is_still:  # never to be read again
                yield from (replace(frame, captured_ns=n * interval_ns) for n in itertools.count(1))

    def _read_good(self) -> Frame | None:
        while True:
            try:
                return self._source.read()
            except SourceError as error:  # one picture of a folder: the next call gives the next one
                _log.warning("%s It is left out.", error)
