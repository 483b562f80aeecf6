"""What is due now and then while a run lasts: what happened told, threads grouped anew, load shed, memory sampled."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from mien.pipeline.events import Event, EventFact, LoadShed, StagesGrouped, StateChanged
from mien.pipeline.live.capture import Capture
from mien.pipeline.live.load_shedding import Load, LoadShedding
from mien.pipeline.live.output import Output
from mien.pipeline.live.sink_workers import SinkWorkers
from mien.pipeline.live.stage_threads import Pipeline
from mien.pipeline.live.state import Verdict
from mien.pipeline.metrics import Memory
from mien.pipeline.report import StateChange

_KEPT: Final = 1000
_REPLAN_S: Final = 2.0
_SAMPLE_S: Final = 1.0
_TICK_S: Final = 0.25


class News:
    """Has state: when the run began, what was not told yet, and the changes of state."""

    def __init__(self) -> None:
        self.began_ns: Final = time.monotonic_ns()
        self._changes: deque[StateChange] = deque(maxlen=_KEPT)
        self._events: deque[Event] = deque(maxlen=_KEPT)

    @property
    def now_s(self) -> float:
        """How long the run lasts."""
        return (time.monotonic_ns() - self.began_ns) / 1e9

    @property
    def changes(self) -> tuple[StateChange, ...]:
        """Every change of state, the last thousand."""
        return tuple(self._changes)

    def tell(self, fact: EventFact) -> None:
        """Let whoever listens know, a moment later; any thread may."""
        self._events.append(Event(round(self.now_s, 3), fact))

    def hear(self, verdict: Verdict) -> None:
        """Note that something else is shown from now on."""
        self._changes.append(StateChange(round(self.now_s, 3), verdict.state.value, verdict.why))
        self.tell(StateChanged(verdict.state, verdict.why))

    def pass_on(self, listeners: Sequence[Callable[[Event], None]]) -> None:
        """Tell what has not been told; in the order in which it happened."""
        while self._events:
            event = self._events.popleft()
            for listener in listeners:
                listener(event)


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
