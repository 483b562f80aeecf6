"""However a run ends, somebody takes down that it did, once."""

import dataclasses

import pytest
from tests.realtime.pipeline.live.live_rig import MemorySink, a_plan, fake_stages, paced_now

from mien.pipeline.events import Event
from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import Stage
from mien.pipeline.live.plan import LivePlan, Prepared
from mien.pipeline.live.runner import run_live
from mien.pipeline.report import Report
from mien_models.errors import FinalError, MienError, SourceError


class Listener:
    """Remembers how a run began and ended."""

    def __init__(self) -> None:
        self.began = 0
        self.ended: list[BaseException | None] = []

    def begin(self) -> None:
        self.began += 1

    def hear(self, event: Event) -> None:
        pass

    def end(self, report: Report, error: MienError | None) -> None:  # noqa: ARG002 - a witness
        self.ended.append(error)

    def broke_off(self, error: BaseException, frames_swapped: int) -> None:  # noqa: ARG002 - a witness
        self.ended.append(error)


def a_run(listener: Listener, *steps: object, **changes: object) -> LivePlan:
    plan = a_plan(list(steps) or paced_now(20), MemorySink())  # type: ignore[arg-type] # each test gives steps
    return dataclasses.replace(plan, run_log=listener, **changes)  # type: ignore[arg-type] # of a plan


def test_a_run_that_is_done_is_taken_down_once() -> None:
    listener = Listener()
    run_live(a_run(listener))
    assert (listener.began, listener.ended) == (1, [None])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143)])
def test_what_breaks_a_run_off_is_taken_down(error: BaseException) -> None:
    listener = Listener()

    def break_off() -> None:
        raise error

    with pytest.raises(type(error)):
        run_live(a_run(listener, on_tick=break_off))
    assert listener.ended == [error]


def test_a_run_that_fails_or_is_refused_is_taken_down_with_its_error() -> None:
    listener = Listener()
    with pytest.raises(SourceError):
        run_live(a_run(listener, *paced_now(3), SourceError("The camera is gone.")))

    class Refusing:
        name = "refusing"

        def __call__(self, frame: Frame) -> Frame:  # noqa: ARG002 - a stage
            raise FinalError("It may not be shown.")

    stages: tuple[Stage, ...] = (*fake_stages()[:2], Refusing(), fake_stages()[-1])
    with pytest.raises(FinalError):
        run_live(a_run(listener, *paced_now(150), prepare=lambda: Prepared(stages)))
    assert [str(error) for error in listener.ended] == ["The camera is gone.", "It may not be shown."]
