import dataclasses
import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.realtime.pipeline.live.live_rig import (
    REAL,
    SWAPPED,
    BareMarks,
    CostlyStage,
    MemorySink,
    Step,
    a_plan,
    assert_every_frame_is_accounted_for,
    fake_stages,
    no_thread_is_left,
    paced,
    paced_now,
    shows_the_real_face,
    swap_everything,
)

from mien.pipeline.frame import Frame, State
from mien.pipeline.interfaces import Outage
from mien.pipeline.live.plan import LivePlan, Prepared
from mien.pipeline.live.runner import run_live
from mien_models.errors import FaultError, MienError, ModelError, PhotoError, SinkError, SourceError


def test_a_source_that_ends_ends_the_run_with_every_frame_accounted_for(tmp_path: Path) -> None:
    sink = MemorySink()
    plan = dataclasses.replace(a_plan(paced(30, 60), sink, is_live=False), report_path=tmp_path / "report.json")
    report = run_live(plan)
    assert_every_frame_is_accounted_for(report)
    assert report.frames_in == 30
    assert report.frames_swapped >= 28
    assert report.providers == {"fake": "cpu"}
    assert report.startup_s is not None
    assert {"track", "swap", "composite", "output", "marks", "sink"} == set(report.stages)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["frames_in"] == 30
    assert sink.closed == 1
    assert no_thread_is_left()


def test_a_file_waits_for_the_networks_and_loses_no_first_frames() -> None:
    ready = threading.Event()
    threading.Timer(0.3, ready.set).start()

    def prepare() -> Prepared:
        ready.wait()
        return Prepared(fake_stages())

    plan = dataclasses.replace(a_plan(paced(10, 60), MemorySink(), is_live=False), prepare=prepare)
    report = run_live(plan)
    assert "start" not in report.dropped_by


def test_the_sinks_get_a_card_before_anything_is_ready_and_no_real_face_while_it_loads() -> None:
    sink = MemorySink()
    may_prepare = threading.Event()
    threading.Timer(0.4, may_prepare.set).start()

    def prepare() -> Prepared:
        may_prepare.wait()
        return Prepared(fake_stages())

    report = run_live(dataclasses.replace(a_plan(paced(30, 30), sink), prepare=prepare))
    assert sink.frames[0].state is State.LOST
    assert not any(shows_the_real_face(frame) for frame in sink.frames)
    assert sink.frames[-1].image[0, 0, 0] == SWAPPED
    assert report.dropped_by["start"] > 0
    assert_every_frame_is_accounted_for(report)


def test_a_slow_stage_bounds_the_age_by_its_cost_and_one_interval() -> None:
    report = run_live(a_plan(paced(75, 30), MemorySink(), cost_s=0.075))
    assert report.age_ms is not None
    assert report.age_ms.p95 is not None
    bound_ms = sum(stage.p95_ms or 0.0 for stage in report.stages.values()) + 1000 / 30
    assert report.age_ms.p95 <= 1.25 * bound_ms
    assert report.dropped_by["swap"] > 0.4 * report.frames_in
    assert_every_frame_is_accounted_for(report)


def test_a_camera_that_goes_and_returns_is_a_fault_in_between_with_every_sink_left_open() -> None:
    gone = Outage("Camera disconnected: waiting for it to come back.")
    sink = MemorySink()
    outage: list[Step] = [gone, 0.05] * 20
    steps = [*paced_now(20), *outage, *paced_now(20)]
    report = run_live(a_plan(steps, sink))
    states = [change.state for change in report.state_changes]
    assert states[-3:] == ["fault", "lost", "live"]
    assert "disconnected" in report.state_changes[-3].why
    assert any(frame.state is State.FAULT for frame in sink.frames)
    assert not any(shows_the_real_face(frame) for frame in sink.frames)
    assert sink.opened == 1
    assert_every_frame_is_accounted_for(report)


def test_a_silent_camera_is_a_fault_within_two_seconds() -> None:
    report = run_live(a_plan([*paced_now(10), 2.2, *paced_now(5)], MemorySink()))
    fault = next(change for change in report.state_changes if change.state == "fault")
    live = next(change for change in report.state_changes if change.state == "live")
    assert fault.at_s - live.at_s < 2 + 10 * 0.02


def test_a_stage_that_fails_now_and_then_is_a_fault_and_no_crash() -> None:
    def fail_sometimes(frame: Frame) -> Frame:
        if 10 <= frame.index < 20:
            raise ModelError("The network ran out of memory. Close other programs.")
        return swap_everything(frame)

    sink = MemorySink()
    stages = (CostlyStage("swap", 0.0, fail_sometimes), BareMarks())
    report = run_live(dataclasses.replace(a_plan(paced_now(30), sink), prepare=lambda: Prepared(stages)))
    assert [change.state for change in report.state_changes][-2:] == ["fault", "live"]
    assert report.failures["swap"] >= 5
    assert not any(shows_the_real_face(frame) for frame in sink.frames)
    assert_every_frame_is_accounted_for(report)


def test_a_programming_error_in_a_stage_shows_a_card_and_never_the_face() -> None:
    def fail(frame: Frame) -> Frame:
        raise KeyError(frame.index)

    sink = MemorySink()
    stages = (CostlyStage("swap", 0.0, fail), BareMarks())
    report = run_live(dataclasses.replace(a_plan(paced_now(10), sink), prepare=lambda: Prepared(stages)))
    assert "The stage 'swap' failed (KeyError: " in report.state_changes[-1].why
    assert not any(shows_the_real_face(frame) for frame in sink.frames)


def failing_plans() -> dict[str, tuple[Callable[[], LivePlan], type[MienError], str]]:
    def no_face() -> Prepared:
        raise PhotoError("No face in 'me.jpg'. Choose a photo that shows one.")

    def broken() -> Prepared:
        raise ZeroDivisionError

    return {
        "photo": (lambda: dataclasses.replace(a_plan(paced(99, 30), MemorySink()), prepare=no_face), PhotoError, "jpg"),
        "bug": (lambda: dataclasses.replace(a_plan(paced(99, 30), MemorySink()), prepare=broken), FaultError, "Zero"),
        "source": (lambda: a_plan([0.1, SourceError("No camera.")], MemorySink()), SourceError, "No camera"),
        "sink": (lambda: a_plan(paced(99, 30), MemorySink(on_enter=SinkError("No device."))), SinkError, "No device"),
        "disk": (
            lambda: a_plan(paced(99, 30), MemorySink(on_write=lambda n: SinkError("Disk full.") if n > 5 else None)),
            SinkError,
            "Disk full",
        ),
    }


@pytest.mark.parametrize("name", list(failing_plans()))
def test_what_makes_the_run_impossible_ends_it_with_its_sentence_and_a_report(name: str, tmp_path: Path) -> None:
    make, kind, words = failing_plans()[name]
    with pytest.raises(kind, match=words):
        run_live(dataclasses.replace(make(), report_path=tmp_path / "report.json"))
    assert (tmp_path / "report.json").exists()
    assert no_thread_is_left()


def test_the_panic_key_hides_at_once_and_the_picture_returns_with_a_new_frame() -> None:
    sink = MemorySink()
    plan = a_plan(paced(60, 30), sink)
    threading.Timer(0.7, plan.controls.toggle_privacy).start()
    threading.Timer(1.2, plan.controls.toggle_privacy).start()
    report = run_live(plan)
    states = [change.state for change in report.state_changes]
    assert states[-4:] == ["live", "privacy", "lost", "live"]
    private = [frame for frame in sink.frames if frame.state is State.PRIVACY]
    assert private
    assert not any((frame.image == SWAPPED).all() or (frame.image == REAL).all() for frame in private)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to a process on POSIX only")
def test_signals_toggle_privacy_and_end_the_run_cleanly() -> None:
    plan = a_plan(paced(10_000, 30), MemorySink())
    for delay_s, name in ((0.5, "SIGUSR1"), (0.8, "SIGUSR1"), (1.2, "SIGTERM")):
        threading.Timer(delay_s, signal.raise_signal, [getattr(signal, name)]).start()
    before = signal.getsignal(signal.SIGTERM)
    report = run_live(plan)
    assert "privacy" in [change.state for change in report.state_changes]
    assert signal.getsignal(signal.SIGTERM) is before
    assert no_thread_is_left()
    assert_every_frame_is_accounted_for(report)


def test_the_time_given_is_kept() -> None:
    report = run_live(dataclasses.replace(a_plan(paced(10_000, 30), MemorySink()), seconds=0.6))
    assert 5 <= report.frames_in <= 20
    assert sys.getswitchinterval() == pytest.approx(0.005)


def test_a_stage_that_never_returns_is_a_fault_and_does_not_keep_the_run_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mien.pipeline.live.runner._CLOSE_S", 0.3)
    never = threading.Event()

    def hang_later(frame: Frame) -> Frame:
        if frame.index == 5:
            never.wait(30)
        return swap_everything(frame)

    sink = MemorySink()
    stages = (CostlyStage("swap", 0.0, hang_later), BareMarks())
    plan = dataclasses.replace(a_plan(paced(10_000, 30), sink), prepare=lambda: Prepared(stages), seconds=3.2)
    report = run_live(plan)
    never.set()
    assert report.state_changes[-1].state == "fault"
    assert report.notes["stages"] == "A stage did not finish in time."
    # One in the stage, and one before it if the source's last frame came before the mailbox was closed.
    assert report.dropped_by["unfinished"] in (1, 2)
    assert report.frames_in + report.repeated == report.frames_out + report.dropped
    assert sink.frames[-1].state is State.FAULT
