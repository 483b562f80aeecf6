import dataclasses
import json
import time
from pathlib import Path

import pytest
from tests.realtime.pipeline.live.live_rig import BareMarks, CostlyStage, MemorySink, a_plan, fake_stages, paced

from mien.pipeline.events import Event, LoadShed
from mien.pipeline.frame import Frame
from mien.pipeline.live.load_shedding import Load, LoadShedding, parts_of
from mien.pipeline.live.plan import Prepared
from mien.pipeline.live.runner import LiveRun
from mien.pipeline.metrics import Part
from mien.pipeline.report import LoadChange

INTERVAL_MS = 33.0


class FakePart:
    """A part with a price on it."""

    def __init__(self, name: str, cost_ms: float | None, *, is_on: bool = True, goes_first: bool = False) -> None:
        self.name = name
        self.goes_first = goes_first
        self.cost_ms = cost_ms
        self.is_on = is_on

    def switch(self, *, on: bool) -> None:
        self.is_on = on


class Machine:
    """Looks once a second, 30 frames a second; all that is on adds to a frame's age and to the slowest stage."""

    def __init__(self, *parts: FakePart) -> None:
        self.parts = parts
        self.load_shedding = LoadShedding(parts)
        self.base_ms = 10.0
        self.now_s = 0.0

    def run(self, seconds: int) -> list[LoadChange]:
        changes: list[LoadChange] = []
        for _ in range(seconds):
            self.now_s += 1
            cost_ms = self.base_ms + sum(part.cost_ms or 0 for part in self.parts if part.is_on)
            load = Load(1.5 * cost_ms, INTERVAL_MS, cost_ms, int(30 * self.now_s))
            change = self.load_shedding.look(self.now_s, load)
            if change is not None:
                changes.append(change)
        return changes


def told(changes: list[LoadChange]) -> list[tuple[str, str]]:
    return [(change.part, change.change) for change in changes]


def test_the_dearest_part_goes_first_and_no_more_goes_than_must() -> None:
    machine = Machine(FakePart("The grain", 2.0), FakePart("The eyes", 60.0), FakePart("The mask", 15.0))
    changes = machine.run(60)
    assert told(changes) == [("The eyes", "dropped")]
    assert changes[0].why == "The eyes is left out: frames were 130 ms old, 82 ms are allowed."
    machine.base_ms = 25
    assert told(machine.run(5)) == [("The mask", "dropped")]


def test_what_is_missed_least_goes_before_what_takes_longer_and_only_where_it_helps() -> None:
    machine = Machine(FakePart("The finish", 12.0, goes_first=True), FakePart("The mask", 20.0), FakePart("Grain", 2.0))
    assert told(machine.run(10)) == [("The finish", "dropped")]
    machine = Machine(FakePart("The finish", 0.1, goes_first=True), FakePart("The mask", 30.0))
    assert told(machine.run(10)) == [("The mask", "dropped")]


def test_a_stage_that_is_slower_than_the_camera_is_reason_enough() -> None:
    machine = Machine(FakePart("The mask", 26.0))
    (change,) = machine.run(20)
    assert "a stage took 36 ms, frames come every 33 ms" in change.why


def test_nothing_is_judged_before_the_median_speaks_of_the_present_parts() -> None:
    machine = Machine(FakePart("The eyes", 60.0), FakePart("The mask", 50.0))
    assert machine.run(2) == []
    first, second = machine.run(10)
    assert second.at_s - first.at_s >= 2


def test_a_part_comes_back_after_ten_calm_seconds_and_not_while_there_is_no_room_for_it() -> None:
    machine = Machine(FakePart("The mask", 14.0))
    machine.base_ms = 30
    assert told(machine.run(10)) == [("The mask", "dropped")]
    assert machine.run(60) == []
    machine.base_ms = 5
    assert machine.run(10) == []
    assert told(machine.run(2)) == [("The mask", "restored")]


def test_the_cheapest_comes_back_first() -> None:
    machine = Machine(FakePart("The eyes", 15.0), FakePart("The mask", 4.0))
    machine.base_ms = 100
    machine.run(10)
    machine.base_ms = 5
    assert told(machine.run(30)) == [("The mask", "restored"), ("The eyes", "restored")]


def test_a_part_that_has_to_go_again_soon_waits_twice_as_long_each_time() -> None:
    machine = Machine(FakePart("The mask", 14.0))
    waits_s: list[float] = []
    dropped_s = 0.0
    for _ in range(400):
        machine.base_ms = 40 if machine.parts[0].is_on else 5  # it never fits, and looks as if it did
        for change in machine.run(1):
            if change.change == "dropped":
                dropped_s = change.at_s
            else:
                waits_s.append(change.at_s - dropped_s)
    assert len(waits_s) == 5
    assert waits_s == pytest.approx([10, 20, 40, 80, 160], abs=3)


def test_what_the_user_switched_off_what_was_never_measured_and_what_is_cheap_is_left_alone() -> None:
    parts = (FakePart("Off", 50.0, is_on=False), FakePart("Unknown", None), FakePart("Cheap", 0.1))
    machine = Machine(*parts)
    machine.base_ms = 200
    assert machine.run(30) == []
    machine.base_ms = 1
    assert machine.run(30) == []
    assert [part.is_on for part in parts] == [False, True, True]


class PartlyStage(CostlyStage):
    """Takes its time while its part is on."""

    def __init__(self, name: str, cost_s: float) -> None:
        super().__init__(name)
        self.part = Part("The costly part")
        self.parts = (self.part,)
        self._part_cost_s = cost_s

    def __call__(self, frame: Frame) -> Frame:
        if self.part.is_on:
            with self.part.measured():
                time.sleep(self._part_cost_s)
        return super().__call__(frame)


def test_only_stages_that_offer_parts_are_asked() -> None:
    stage = PartlyStage("extra", 0.0)
    assert parts_of([*fake_stages(), stage]) == (stage.part,)


def test_in_a_real_run_the_age_falls_when_the_part_goes_and_people_are_told(tmp_path: Path) -> None:
    stage = PartlyStage("extra", 0.12)
    sink, events = MemorySink(), list[Event]()
    ages_ms: list[tuple[float, float]] = []
    began_ns = time.monotonic_ns()

    def note_age() -> None:
        ages_ms.append(((time.monotonic_ns() - began_ns) / 1e9, run.snapshot().recent_age_ms or 0.0))

    plan = dataclasses.replace(
        a_plan(paced(330, 30), sink),
        prepare=lambda: Prepared((*fake_stages()[:-1], stage, BareMarks())),
        report_path=tmp_path / "report.json",
        on_event=events.append,
        on_tick=note_age,
    )
    run = LiveRun(plan)
    report = run.run()
    (change,) = report.load_shedding
    assert (change.part, change.change) == ("The costly part", "dropped")
    assert [event.fact.change for event in events if isinstance(event.fact, LoadShed)] == [change]
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["load_shedding"][0] == dataclasses.asdict(
        change
    )
    before_ms = max(age_ms for at_s, age_ms in ages_ms if at_s < change.at_s)
    assert ages_ms[-1][1] < before_ms / 3
