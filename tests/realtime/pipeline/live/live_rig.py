"""Fakes for the live loop: sources that follow a script, stages with a cost, sinks that remember."""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from types import TracebackType
from typing import Self, TypeAlias

import numpy as np

from mien.pipeline.frame import Frame, OutputFormat, OutputFrame
from mien.pipeline.interfaces import End, Outage, SourceInfo, Stage
from mien.pipeline.live.plan import LivePlan, Prepared
from mien.pipeline.report import Report
from mien.provenance.release import ReleasedPicture, SwappedPicture
from mien_models.types import BgrU8, Face, HeadPose, SwappedFace

WIDTH, HEIGHT = 64, 36
REAL = 201
"""Every pixel of a captured picture: the real face."""
SWAPPED = 57
"""Every pixel of a swapped picture."""
OUTPUT = OutputFormat(WIDTH, HEIGHT, Fraction(30))


def a_face(face_id: int = 1) -> Face:
    box = np.array([0, 0, 4, 4], np.float32)
    return Face(face_id, box, np.zeros((468, 3), np.float32), HeadPose(0.0, 0.0, 0.0), 1.0)


def a_swap(face_id: int = 1) -> SwappedFace:
    return SwappedFace(face_id, np.zeros((4, 4, 3), np.uint8), np.full((4, 4), 255, np.uint8), np.eye(2, 3))


def a_packet(
    index: int = 0, *, chosen: Iterable[int] = (1,), swapped: Iterable[int] = (1,), composed: bool = True
) -> Frame:
    faces = tuple(a_face(face_id) for face_id in chosen)
    return Frame(
        filled(REAL),
        index,
        time.monotonic_ns(),
        faces=faces,
        chosen=faces,
        swapped=tuple(a_swap(face_id) for face_id in swapped),
        composed=SwappedPicture(filled(SWAPPED)) if composed else None,
    )


def filled(value: int) -> BgrU8:
    return np.full((HEIGHT, WIDTH, 3), value, np.uint8)


def background(picture: SwappedPicture, _at_ns: int) -> ReleasedPicture:
    """Stand in for the marks where a test looks at every level of a picture."""
    return picture.released(lambda image_bgr: image_bgr)


class BareMarks:
    """The last stage, which leaves every level as it is."""

    name = "marks"

    def __call__(self, frame: Frame) -> Frame:
        return frame

    def release(self, picture: SwappedPicture, at_ns: int) -> ReleasedPicture:
        return background(picture, at_ns)


def shows_the_real_face(frame: OutputFrame) -> bool:
    """Any trace of the captured picture, blurred ones too, is brighter than all of a card but its letters."""
    return bool(np.median(frame.image) > 150)


Step: TypeAlias = Frame | Outage | End | Exception | float
"""One step of a script: what `read` gives, an error that it raises, or seconds in which nothing comes."""


class ScriptedSource:
    """A live source that plays a script; pauses in it are real."""

    def __init__(self, steps: Iterable[Step], *, is_live: bool = True) -> None:
        self.info = SourceInfo("a scripted source", WIDTH, HEIGHT, Fraction(30), None, is_live)
        self._steps: Iterator[Step] = iter(steps)
        self._quiet_until_ns = 0
        self.is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_closed = True

    def read(self, timeout_s: float) -> Frame | Outage | End | None:
        left_s = (self._quiet_until_ns - time.monotonic_ns()) / 1e9
        if left_s > 0:
            time.sleep(min(left_s, timeout_s))
            return None
        step = next(self._steps, End())
        if isinstance(step, (int, float)):
            self._quiet_until_ns = time.monotonic_ns() + int(step * 1e9)
            return None
        if isinstance(step, Exception):
            raise step
        return step


def paced(count: int, fps: float, make: Callable[[int], Frame] | None = None) -> Iterator[Step]:
    """`count` frames at a steady rate: a frame that is asked for too late is due at once and the next one on time."""
    due_ns = time.monotonic_ns()
    for index in range(count):
        due_ns += int(1e9 / fps)
        yield max((due_ns - time.monotonic_ns()) / 1e9, 0.0)
        frame = Frame(filled(REAL), index, 0) if make is None else make(index)
        yield dataclasses.replace(frame, captured_ns=time.monotonic_ns())


class CostlyStage:
    """Sleeps for its cost, then changes the frame."""

    def __init__(self, name: str, cost_s: float = 0.0, change: Callable[[Frame], Frame] | None = None) -> None:
        self.name = name
        self._cost_s = cost_s
        self._change = change

    def __call__(self, frame: Frame) -> Frame:
        if self._cost_s:
            time.sleep(self._cost_s)
        return frame if self._change is None else self._change(frame)


def swap_everything(frame: Frame) -> Frame:
    faces = (a_face(),)
    return dataclasses.replace(
        frame, faces=faces, chosen=faces, swapped=(a_swap(),), composed=SwappedPicture(filled(SWAPPED))
    )


def fake_stages(cost_s: float = 0.0) -> tuple[Stage, ...]:
    return (CostlyStage("track"), CostlyStage("swap", cost_s, swap_everything), CostlyStage("composite"), BareMarks())


class MemorySink:
    """Keeps every frame it gets."""

    def __init__(
        self,
        name: str = "memory",
        *,
        pause_s: float = 0.0,
        on_enter: Exception | None = None,
        on_write: Callable[[int], Exception | None] = lambda _count: None,
        is_reopenable: bool = False,
    ) -> None:
        self.description = name
        self.is_reopenable = is_reopenable
        self.frames: list[OutputFrame] = []
        self.opened = 0
        self.closed = 0
        self._pause_s = pause_s
        self._on_enter = on_enter
        self._on_write = on_write
        self._calls = 0

    def __enter__(self) -> Self:
        if self._on_enter is not None:
            raise self._on_enter
        self.opened += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closed += 1

    def write(self, frame: OutputFrame) -> None:
        self._calls += 1
        failure = self._on_write(self._calls)
        if failure is not None:
            raise failure
        if self._pause_s:
            time.sleep(self._pause_s)
        self.frames.append(frame)


def a_plan(steps: Iterable[Step], *sinks: MemorySink, cost_s: float = 0.0, is_live: bool = True) -> LivePlan:
    return LivePlan(
        source=ScriptedSource(steps, is_live=is_live),
        prepare=lambda: Prepared(fake_stages(cost_s), {"fake": "cpu"}),
        sinks=sinks,
        output=OUTPUT,
    )


def assert_every_frame_is_accounted_for(report: Report) -> None:
    assert report.frames_in + report.repeated == report.frames_out + report.dropped
    assert report.dropped == sum(report.dropped_by.values())
    in_pipeline = sum(count for place, count in report.dropped_by.items() if place != "sink")
    assert report.frames_in == report.frames_swapped + report.frames_hidden + in_pipeline
    sent = report.frames_swapped + report.frames_hidden + report.repeated
    assert all(sink.written + sink.dropped == sent for sink in report.sinks.values())


def no_thread_is_left() -> bool:
    return not [thread.name for thread in threading.enumerate() if thread.name.startswith("mien-")]


def paced_now(count: int) -> list[Step]:
    frames = [frame for frame in paced(count, 1e9) if isinstance(frame, Frame)]
    return [part for frame in frames for part in (0.02, frame)]
