"""Stalls, unplugging, a frozen picture and the return of a camera, with a clock that only the test moves."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest

from mien.pipeline.frame import UNNUMBERED, Frame
from mien.pipeline.interfaces import End, Outage, SourceInfo, SourceRequest
from mien.sources.reconnect import SurvivingSource
from mien_models.errors import SourceError

INTERVAL_S = 1 / 30
INFO = SourceInfo("Test Camera", 8, 8, Fraction(30), None, is_live=True, address="046d:0825")


@dataclass
class Clock:
    now_ns: int = 0

    def __call__(self) -> int:
        return self.now_ns

    def wait(self, seconds: float) -> None:
        self.now_ns += max(1, round(seconds * 1e9))


@dataclass
class ScriptedReading:
    """Plays `frames`, then 'stalls', 'hangs' (and never gives the device back), 'ends', or fails with the text."""

    clock: Clock
    frames: list[int]
    then: str
    info: SourceInfo | None
    failure: str | None = None
    is_over: bool = False
    is_left: bool = False
    taken: int = 0

    @property
    def is_released(self) -> bool:
        return (self.is_left or self.is_over) and self.then != "hangs"

    def take(self, timeout_s: float) -> Frame | None:
        if self.taken < len(self.frames):
            self.clock.wait(min(timeout_s, INTERVAL_S))
            self.taken += 1
            image = np.full((8, 8, 3), self.frames[self.taken - 1] % 256, np.uint8)
            return Frame(image, UNNUMBERED, self.clock())
        if self.then in {"stalls", "hangs"}:
            self.clock.wait(timeout_s)
            return None
        self.is_over = True
        self.failure = None if self.then == "ends" else self.then
        return None

    def leave(self) -> None:
        self.is_left = True

    def join(self, timeout_s: float) -> None:
        if not self.is_released:
            self.clock.wait(timeout_s)


@dataclass
class Stage:
    """A surviving source over one scripted reading after another."""

    scripts: list[tuple[list[int], str]]
    can_freeze: bool = True
    info: SourceInfo = INFO
    clock: Clock = field(default_factory=Clock)
    readings: list[ScriptedReading] = field(default_factory=list[ScriptedReading])
    begun_ns: list[int] = field(default_factory=list[int])
    addresses: list[str] = field(default_factory=list[str])

    def start(self, request: SourceRequest) -> ScriptedReading:
        frames, then = self.scripts[min(len(self.readings), len(self.scripts) - 1)]
        self.readings.append(ScriptedReading(self.clock, frames, then, self.info))
        self.begun_ns.append(self.clock())
        self.addresses.append(request.address)
        return self.readings[-1]

    def source(self) -> SurvivingSource:
        return SurvivingSource(
            self.start,
            SourceRequest("Test Camera"),
            can_freeze=self.can_freeze,
            clock_ns=self.clock,
            wait=self.clock.wait,
        )


def reads(source: SurvivingSource, clock: Clock, seconds: float) -> Iterator[Frame | Outage | End]:
    """Read for so many seconds of the test's clock; what came in time."""
    end_ns = clock() + int(seconds * 1e9)
    while clock() < end_ns:
        before_ns = clock()
        answer = source.read(0.1)
        assert clock() - before_ns <= 0.11e9, "a read blocks no longer than it was told to"
        if answer is not None:
            yield answer
        if isinstance(answer, End):
            return


def frames_of(answers: list[Frame | Outage | End]) -> list[Frame]:
    return [answer for answer in answers if isinstance(answer, Frame)]


def outages_of(answers: list[Frame | Outage | End]) -> list[Outage]:
    return [answer for answer in answers if isinstance(answer, Outage)]


@pytest.mark.parametrize(("fps", "timeout_s"), [(2, 0.05), (30, 0.05), (60, 0.05), (30, 5.0)])
def test_a_stall_is_an_outage_within_two_seconds_and_not_before_one(fps: int, timeout_s: float) -> None:
    stage = Stage([([1, 2, 3], "stalls")], info=SourceInfo("A", 8, 8, Fraction(fps), None, is_live=True))
    with stage.source() as source:
        for _ in range(3):
            assert isinstance(source.read(0.1), Frame)
        last_ns = stage.clock()
        while not isinstance(answer := source.read(timeout_s), Outage):
            assert answer is None
    assert "sent nothing" in answer.why
    assert 1.0e9 <= stage.clock() - last_ns <= 2.0e9


def test_an_unplugged_camera_is_an_outage_at_once_and_comes_back_by_its_own_address() -> None:
    gone = "The camera gives no more frames."
    absent = "No camera is '046d:0825'."
    stage = Stage([([1, 2, 3], gone), ([], absent), ([], absent), (list(range(900)), "stalls")])
    with stage.source() as source:
        answers = list(reads(source, stage.clock, 6))
    frames = frames_of(answers)
    assert [frame.captured_ns for frame in frames] == sorted({frame.captured_ns for frame in frames})
    assert len(frames) > 30
    whys = {outage.why for outage in outages_of(answers)}
    assert whys == {f"{text} Waiting for it to come back." for text in (gone, absent)}
    assert stage.addresses == ["Test Camera", "046d:0825", "046d:0825", "046d:0825"]
    assert isinstance(answers[-1], Frame)


def test_reopening_is_tried_once_a_second() -> None:
    stage = Stage([([1], "gone"), ([], "absent")])
    with stage.source() as source:
        list(reads(source, stage.clock, 10))
    steps = np.diff(stage.begun_ns) / 1e9
    assert len(steps) >= 8
    assert steps.min() >= 0.99
    assert steps.max() <= 1.3


def test_an_outage_is_said_again_on_every_read() -> None:
    stage = Stage([([1], "gone"), ([], "absent")])
    with stage.source() as source:
        source.read(0.1)
        assert all(isinstance(answer, Outage) for answer in reads(source, stage.clock, 3))


def test_a_frozen_picture_is_an_outage_and_the_camera_is_opened_anew() -> None:
    stage = Stage([([1, 2] + [3] * 500, "stalls"), (list(range(4, 300)), "stalls")])
    with stage.source() as source:
        answers = list(reads(source, stage.clock, 4))
    assert any("same picture" in outage.why for outage in outages_of(answers))
    assert len(stage.readings) == 2
    assert len(frames_of(answers)) < 150
    frozen_s = sum(answer.image[0, 0, 0] == 3 for answer in frames_of(answers)) * INTERVAL_S
    assert frozen_s <= 2.0


def test_a_still_that_is_the_same_after_opening_anew_is_believed() -> None:
    stage = Stage([([7] * 10_000, "stalls")])
    with stage.source() as source:
        answers = list(reads(source, stage.clock, 60))
    assert len(stage.readings) == 2
    assert len(outages_of(answers)) < 20
    assert isinstance(answers[-1], Frame)


def test_a_stream_may_stand_still() -> None:
    stage = Stage([([7] * 10_000, "stalls")], can_freeze=False)
    with stage.source() as source:
        assert not outages_of(list(reads(source, stage.clock, 20)))


def test_a_device_that_hangs_is_left_and_a_new_opening_gets_a_chance() -> None:
    stage = Stage([([1, 2], "hangs"), (list(range(300)), "stalls")])
    with stage.source() as source:
        answers = list(reads(source, stage.clock, 8))
    assert stage.readings[0].is_left
    assert isinstance(answers[-1], Frame)
    times_ns = [frame.captured_ns for frame in frames_of(answers)]
    assert times_ns == sorted(set(times_ns))


def test_openings_that_all_hang_do_not_pile_up() -> None:
    stage = Stage([([1], "hangs"), ([], "hangs")])
    with stage.source() as source:
        list(reads(source, stage.clock, 300))
    assert len(stage.readings) <= 3


def test_a_stream_that_ends_is_an_end() -> None:
    stage = Stage([([1, 2, 3], "ends")])
    with stage.source() as source:
        assert isinstance(list(reads(source, stage.clock, 3))[-1], End)


def test_what_cannot_be_opened_at_the_start_is_an_error() -> None:
    stage = Stage([([], "No camera is 'x'.")])
    with pytest.raises(SourceError, match="No camera is 'x'"), stage.source():
        pass
    assert stage.readings[0].is_left


def test_what_gives_no_frame_at_the_start_is_an_error_after_ten_seconds() -> None:
    stage = Stage([([], "stalls")])
    with pytest.raises(SourceError, match="gave no frame in 10 s"), stage.source():
        pass
    assert 9.9e9 <= stage.clock() <= 12e9


def test_leaving_gives_the_device_back() -> None:
    stage = Stage([(list(range(100)), "stalls")])
    with stage.source() as source:
        source.read(0.1)
    assert stage.readings[0].is_left
