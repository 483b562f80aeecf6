"""A source on a thread of its own."""

import threading
from fractions import Fraction
from types import TracebackType
from typing import Self

import numpy as np

from mien.pipeline.frame import UNNUMBERED, Frame
from mien.pipeline.interfaces import SourceInfo
from mien.sources.reader_thread import ThreadedReading
from mien_models.errors import SourceError


class Gated:
    """Gives a frame for every release of `gate`; after `frames` of them it raises or ends."""

    def __init__(self, frames: int, error: Exception | None = None) -> None:
        self.frames, self.error = frames, error
        self.gate = threading.Semaphore(0)
        self.given = 0
        self.is_closed = threading.Event()
        self.has_given_all = threading.Event()

    @property
    def info(self) -> SourceInfo:
        return SourceInfo("gated", 4, 4, Fraction(30), None, is_live=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_closed.set()

    def read(self) -> Frame | None:
        self.gate.acquire()
        if self.given == self.frames:
            self.has_given_all.set()
            if self.error is not None:
                raise self.error
            return None
        self.given += 1
        return Frame(np.zeros((4, 4, 3), np.uint8), UNNUMBERED, self.given)


def test_only_the_newest_frame_is_kept() -> None:
    source = Gated(frames=3)
    reading = ThreadedReading(source)
    source.gate.release(4)
    assert source.has_given_all.wait(5)
    frame = reading.take(5)
    assert frame is not None
    assert frame.captured_ns == 3
    reading.join(5)
    assert reading.is_over
    assert reading.is_released
    assert reading.failure is None


def test_a_failure_is_told_after_the_last_frame_and_the_device_is_given_back() -> None:
    source = Gated(frames=1, error=SourceError("unplugged"))
    reading = ThreadedReading(source)
    source.gate.release(2)
    reading.join(5)
    assert not reading.is_over
    assert reading.take(5) is not None
    assert reading.take(5) is None
    assert reading.failure == "unplugged"
    assert source.is_closed.is_set()


def test_what_a_driver_raises_is_a_failure_too() -> None:
    source = Gated(frames=0, error=ZeroDivisionError("driver"))
    reading = ThreadedReading(source)
    source.gate.release()
    assert reading.take(5) is None
    assert reading.failure is not None
    assert "driver" in reading.failure


def test_one_that_hangs_is_left_at_once_and_closes_when_it_returns() -> None:
    source = Gated(frames=9)
    reading = ThreadedReading(source)
    reading.leave()
    assert not reading.is_released
    source.gate.release()
    assert source.is_closed.wait(5)
    reading.join(5)
    assert reading.is_released
