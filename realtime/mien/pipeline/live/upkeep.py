"""What is due now and then while a run lasts: threads grouped anew, load shed, memory sampled, a tick."""

from collections.abc import Callable
from typing import Final

from mien.pipeline.events import EventFact, LoadShed, StagesGrouped
from mien.pipeline.live.capture import Capture
from mien.pipeline.live.load_shedding import Load, LoadShedding
from mien.pipeline.live.output import Output
from mien.pipeline.live.sink_workers import SinkWorkers
from mien.pipeline.live.stage_threads import Pipeline
from mien.pipeline.metrics import Memory

_REPLAN_S: Final = 2.0
_SAMPLE_S: Final = 1.0
_TICK_S: Final = 0.25


class Upkeep:
    """Has state: when each is due next, the parts that are left out, and the memory."""

    def __init__(
        self,
        capture: Capture,
        output: Output,
        sink_workers: SinkWorkers,
        tell: Callable[[EventFact], None],
        on_tick: Callable[[], None],
    ) -> None:
        """Take what is looked after, who hears of it, and what is called four times a second."""
        self._capture, self._output, self._sink_workers = capture, output, sink_workers
        self._tell, self._on_tick = tell, on_tick
        self._next_sample_s, self._next_plan_s, self._next_tick_s = _SAMPLE_S, _REPLAN_S, 0.0
        self.memory = Memory()
        self.load_shedding = LoadShedding(())
        """Replaced once the stages are there."""

    def do_what_is_due(self, now_s: float, pipeline: Pipeline | None) -> None:
        """Do it; the run calls this often."""
        if now_s >= self._next_sample_s:
            self._next_sample_s = now_s + _SAMPLE_S
            self.memory.sample()
            self._shed(now_s, pipeline)
        if now_s >= self._next_plan_s:
            self._next_plan_s = now_s + _REPLAN_S
            self._replan(pipeline)

    def tick(self, now_s: float) -> None:
        """Call what is to be called four times a second, after what happened has been told."""
        if now_s >= self._next_tick_s:
            self._next_tick_s = now_s + _TICK_S
            self._on_tick()

    def _replan(self, pipeline: Pipeline | None) -> None:
        interval_ms = self._capture.rate.recent_interval_ms
        if pipeline is None or interval_ms is None or pipeline.replan(interval_ms) is None:
            return
        self._tell(StagesGrouped(pipeline.groups))

    def _shed(self, now_s: float, pipeline: Pipeline | None) -> None:
        age_ms, interval_ms = self._sink_workers.best.ages.recent_median_ms, self._capture.rate.recent_interval_ms
        slowest_ms = None if pipeline is None else pipeline.slowest_ms
        if age_ms is None or not interval_ms or slowest_ms is None:
            return
        frames = self._output.frames_swapped + self._output.frames_hidden
        if (change := self.load_shedding.look(now_s, Load(age_ms, interval_ms, slowest_ms, frames))) is not None:
            self._tell(LoadShed(change))
