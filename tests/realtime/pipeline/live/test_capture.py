"""A live frame is numbered once, where the source is read."""

import threading
from collections.abc import Callable
from fractions import Fraction
from types import TracebackType
from typing import Self

import numpy as np

from mien.pipeline.frame import UNNUMBERED, Frame
from mien.pipeline.interfaces import End, Outage, SourceInfo
from mien.pipeline.live.capture import Capture

PATIENCE_S = 30.0


class Given:
    """A live source that gives what it is told to, and then waits."""

    def __init__(self, answers: list[Frame | Outage | End]) -> None:
        self.answers = answers
        self.info = SourceInfo("a rig", 4, 4, Fraction(30), None, is_live=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def read(self, timeout_s: float) -> Frame | Outage | End | None:
        if self.answers:
            return self.answers.pop(0)
        threading.Event().wait(min(timeout_s, 0.01))
        return None


def unnumbered(count: int) -> list[Frame | Outage | End]:
    return [Frame(np.zeros((4, 4, 3), np.uint8), UNNUMBERED, time_ns) for time_ns in range(count)]


def captured(source: Given, then: Callable[[Capture], object], wanted: int) -> list[Frame]:
    frames: list[Frame] = []
    has_all = threading.Event()

    def take(frame: Frame) -> None:
        frames.append(frame)
        if len(frames) == wanted:
            has_all.set()

    def ignore(_said: str) -> None:
        pass

    capture = Capture(source, give=take, on_outage=ignore, on_return=lambda: None, on_open=ignore)
    capture.start()
    then(capture)
    assert has_all.wait(PATIENCE_S)
    assert capture.stop(PATIENCE_S)
    return frames


def test_numbers_grow_by_one_through_an_outage() -> None:
    answers = [*unnumbered(3), Outage("The camera is gone."), *unnumbered(4)]
    assert [frame.index for frame in captured(Given(answers), lambda _: None, 7)] == list(range(7))


def test_numbers_go_on_where_another_camera_takes_over() -> None:
    def change(capture: Capture) -> None:
        wait_until_given(first)
        capture.change(Given(unnumbered(4)), lambda: None).result(PATIENCE_S)

    first = Given(unnumbered(3))
    frames = captured(first, change, 7)
    assert [frame.index for frame in frames] == list(range(7))
    assert [frame.source_number for frame in frames] == [0] * 3 + [1] * 4


def wait_until_given(source: Given) -> None:
    while source.answers:
        threading.Event().wait(0.005)
