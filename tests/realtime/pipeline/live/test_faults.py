"""Whatever part of a live run fails, and however: the run ends or goes on in one sentence, with a file and a report."""

import dataclasses
import logging
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import pytest
from tests.realtime.pipeline.live.live_rig import (
    BareMarks,
    CostlyStage,
    MemorySink,
    ScriptedSource,
    a_plan,
    no_thread_is_left,
    paced,
    shows_the_real_face,
)

from mien.pipeline.events import Event, SinkFailed
from mien.pipeline.frame import Frame, OutputFrame
from mien.pipeline.live.output import Output
from mien.pipeline.live.plan import LivePlan, Prepared
from mien.pipeline.live.runner import run_live
from mien_models.errors import FaultError, MienError
from mien_models.system.crash.record import crash_folder


class PanicError(BaseException):
    """What a library's panic looks like: no Exception."""


ERRORS = (KeyError("colour"), MemoryError(), PanicError("panicked"), SystemExit(3))


class FailingSource(ScriptedSource):
    def __init__(self, error: BaseException, *, when: str) -> None:
        super().__init__(paced(99, 30))
        self._error, self._when = error, when

    def __enter__(self) -> Self:
        if self._when == "open":
            raise self._error
        return super().__enter__()

    def read(self, timeout_s: float) -> Any:
        if self._when == "read":
            raise self._error
        return super().read(timeout_s)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._when == "close":
            raise self._error


class FailingSink(MemorySink):
    def __init__(self, error: BaseException, *, when: str) -> None:
        super().__init__("failing")
        self._error, self._when = error, when

    def __enter__(self) -> Self:
        if self._when == "open":
            raise self._error
        return super().__enter__()

    def write(self, frame: OutputFrame) -> None:
        if self._when == "write" and len(self.frames) > 3:
            raise self._error
        super().write(frame)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._when == "close":
            raise self._error


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_: object) -> Any:
        raise error

    return fail


def the_only_file() -> str:
    (path,) = crash_folder().glob("crash-*")
    return str(path)


ENDS: dict[str, Callable[[BaseException], LivePlan]] = {
    "preparing": lambda error: dataclasses.replace(a_plan(paced(99, 30), MemorySink()), prepare=raising(error)),
    "source open": lambda error: dataclasses.replace(
        a_plan([], MemorySink()), source=FailingSource(error, when="open")
    ),
    "source read": lambda error: dataclasses.replace(
        a_plan([], MemorySink()), source=FailingSource(error, when="read")
    ),
    "source close": lambda error: dataclasses.replace(
        a_plan([], MemorySink()), source=FailingSource(error, when="close"), seconds=0.5
    ),
    "only sink open": lambda error: a_plan(paced(99, 30), FailingSink(error, when="open")),
    "only sink write": lambda error: a_plan(paced(99, 30), FailingSink(error, when="write")),
    "only sink close": lambda error: dataclasses.replace(
        a_plan(paced(99, 30), FailingSink(error, when="close")), seconds=0.5
    ),
    "who is told": lambda error: dataclasses.replace(
        a_plan(paced(99, 30), MemorySink()), on_event=raising(_elsewhere(error))
    ),
    "who watches": lambda error: dataclasses.replace(
        a_plan(paced(99, 30), MemorySink()), on_tick=raising(_elsewhere(error))
    ),
}


def _elsewhere(error: BaseException) -> BaseException:
    """Stand in for what ends the program where it is raised in its main thread."""
    return KeyError("colour") if isinstance(error, SystemExit) else error


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("where", ENDS)
def test_a_part_that_the_run_cannot_do_without_ends_it_in_one_sentence(
    where: str, error: BaseException, tmp_path: Any
) -> None:
    plan = dataclasses.replace(ENDS[where](error), report_path=tmp_path / "report.json")
    with pytest.raises(FaultError) as ended:
        run_live(plan)
    assert the_only_file() in str(ended.value)
    assert str(ended.value).isprintable()
    assert (tmp_path / "report.json").exists()
    assert no_thread_is_left()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_stage_that_fails_shows_a_card_and_the_camera_goes_on(error: BaseException) -> None:
    def fail(frame: Frame) -> Frame:
        raise error

    sink = MemorySink()
    stages = (CostlyStage("swap", 0.0, fail), CostlyStage("composite"), BareMarks())
    plan = dataclasses.replace(a_plan(paced(40, 30), sink), prepare=lambda: Prepared(stages))
    report = run_live(plan)
    assert the_only_file() in report.state_changes[-1].why
    assert report.failures["swap"] > 1
    assert not any(shows_the_real_face(frame) for frame in sink.frames)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("when", ["open", "write", "close"])
def test_a_sink_that_fails_leaves_the_others_alone(error: BaseException, when: str) -> None:
    events: list[Event] = []
    good = MemorySink("good")
    plan = dataclasses.replace(
        a_plan(paced(60, 30), FailingSink(error, when=when), good), on_event=events.append, seconds=1.5
    )
    report = run_live(plan)
    assert the_only_file() in report.notes["sink failing"]
    assert [event.fact.why for event in events if isinstance(event.fact, SinkFailed)].count(
        report.notes["sink failing"]
    ) == 1
    assert report.sinks["good"].written == len(good.frames) > 5


@pytest.mark.parametrize("method", ["deliver", "repeat_if_quiet"])
def test_an_output_that_can_show_nothing_more_ends_the_run(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Output, method, raising(KeyError("colour")))
    with pytest.raises(MienError, match="KeyError: 'colour'"):
        run_live(a_plan(paced(300, 30), MemorySink()))
    assert no_thread_is_left()


def test_no_fault_leaves_its_traceback_on_stderr(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for make in ENDS.values():
        with pytest.raises(FaultError):
            run_live(make(KeyError("colour")))
    assert "Traceback" not in capsys.readouterr().err
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert sys.exc_info() == (None, None, None)
