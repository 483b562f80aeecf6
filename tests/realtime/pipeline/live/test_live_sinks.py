import dataclasses
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import pytest
from tests.realtime.pipeline.live.live_rig import (
    OUTPUT,
    MemorySink,
    ScriptedSource,
    a_plan,
    assert_every_frame_is_accounted_for,
    fake_stages,
    no_thread_is_left,
    paced,
    paced_now,
)

from mien.pipeline.events import Event, SinkFailed
from mien.pipeline.frame import OutputFrame, State
from mien.pipeline.live.plan import LivePlan, Prepared
from mien.pipeline.live.runner import run_live
from mien_models.errors import SinkClosedError, SinkError


def test_a_slow_sink_delays_no_other() -> None:
    quick, slow = MemorySink("quick"), MemorySink("slow", pause_s=0.25)
    report = run_live(a_plan(paced(60, 30), quick, slow))
    assert report.sinks["quick"].written > 4 * report.sinks["slow"].written
    assert report.sinks["quick"].dropped <= 4
    assert_every_frame_is_accounted_for(report)


def test_one_sink_that_fails_is_dropped_while_others_go_on() -> None:
    events: list[Event] = []
    broken, good = MemorySink("broken", on_enter=SinkError("No virtual camera. Install v4l2loopback.")), MemorySink()
    plan = dataclasses.replace(a_plan(paced_now(10), broken, good), on_event=events.append)
    report = run_live(plan)
    assert "No virtual camera. Install v4l2loopback." in [
        event.fact.why for event in events if isinstance(event.fact, SinkFailed)
    ]
    assert "v4l2loopback" in report.notes["sink broken"]
    assert report.frames_out == len(good.frames) > 5
    assert_every_frame_is_accounted_for(report)


def test_a_device_that_fails_is_opened_again() -> None:
    def fail_once(count: int) -> Exception | None:
        return SinkError("The device went away.") if count == 8 else None

    sink = MemorySink(on_write=fail_once, is_reopenable=True)
    report = run_live(a_plan([*paced_now(20), 1.2, *paced_now(10)], sink))
    assert sink.opened == sink.closed == 2
    assert_every_frame_is_accounted_for(report)


def test_closing_the_only_window_ends_the_run_cleanly_and_closing_one_of_two_does_not() -> None:
    def close_soon(count: int) -> Exception | None:
        return SinkClosedError("The window was closed.") if count > 5 else None

    report = run_live(a_plan(paced(10_000, 30), MemorySink(on_write=close_soon)))
    assert report.frames_out == 5
    window, other = MemorySink("window", on_write=close_soon), MemorySink("other")
    report = run_live(a_plan(paced_now(20), window, other))
    assert len(window.frames) == 5
    assert report.frames_in == 20


def test_a_sink_that_signs_its_file_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.pipeline.live.runner._FINISH_S", 0.05)

    class SigningSink(MemorySink):
        is_finishing = False

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            self.is_finishing = True
            time.sleep(0.6)
            self.is_finishing = False
            super().__exit__(kind, error, trace)

    sink = SigningSink("signing")
    report = run_live(a_plan(paced_now(10), sink))
    assert sink.closed == 1
    assert "sink signing" not in report.notes


def test_what_a_slow_recording_still_has_to_write_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.pipeline.live.runner._FINISH_S", 0.05)

    class SlowRecording(MemorySink):
        is_finishing = False

        def write(self, frame: OutputFrame) -> None:
            time.sleep(0.6)
            super().write(frame)

    sink = SlowRecording("recording")
    report = run_live(a_plan(paced_now(10), sink))
    assert sink.closed == 1
    assert "sink recording" not in report.notes


def test_a_sink_that_hangs_for_ever_does_not_keep_the_run_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.pipeline.live.runner._FINISH_S", 0.3)
    never = threading.Event()

    class HangingSink(MemorySink):
        def write(self, frame: OutputFrame) -> None:  # noqa: ARG002 - it swallows the frame
            never.wait(30)

    good = MemorySink("good")
    heard: list[Event] = []
    plan = LivePlan(
        source=ScriptedSource(paced_now(10)),
        prepare=lambda: Prepared(fake_stages()),
        sinks=(HangingSink("hanging"), good),
        output=OUTPUT,
        on_event=heard.append,
    )
    report = run_live(plan)
    never.set()
    assert report.notes["sink hanging"] == "It did not close in time."
    assert any(isinstance(one.fact, SinkFailed) and "did not close in time" in one.fact.why for one in heard)
    assert report.frames_out == len(good.frames) > 5


def test_a_window_that_needs_the_main_thread_gets_it_and_the_rest_runs_beside_it() -> None:
    threads: list[str] = []

    class MacWindow(MemorySink):
        needs_main_thread = True

        def __enter__(self) -> Self:
            threads.append(threading.current_thread().name)
            return super().__enter__()

        def write(self, frame: OutputFrame) -> None:
            threads.append(threading.current_thread().name)
            super().write(frame)

    window, other = MacWindow("window"), MemorySink("other")
    report = run_live(a_plan(paced_now(10), window, other))
    assert set(threads) == {"MainThread"}
    assert window.closed == 1
    assert report.sinks["window"].written > 5
    assert report.sinks["other"].written > 5
    assert no_thread_is_left()


def test_sinks_with_the_same_description_are_counted_apart() -> None:
    report = run_live(a_plan(paced_now(5), MemorySink("nowhere"), MemorySink("nowhere")))
    assert set(report.sinks) == {"nowhere", "nowhere (2)"}
    assert_every_frame_is_accounted_for(report)


def test_the_panic_key_of_a_window_hides_the_picture() -> None:
    class Window(MemorySink):
        on_key: Callable[[str], None] | None = None

        def write(self, frame: OutputFrame) -> None:
            super().write(frame)
            if len(self.frames) == 5 and self.on_key is not None:
                self.on_key("x")
                self.on_key("p")

    window = Window()
    report = run_live(a_plan(paced_now(20), window))
    assert report.state_changes[-1].state == "privacy"
    assert window.frames[-1].state is State.PRIVACY
