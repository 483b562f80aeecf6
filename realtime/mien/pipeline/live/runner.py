"""The live run: source, stages and sinks put to work together, watched, and ended cleanly."""

import threading
import time
from collections import deque
from typing import Final

from mien.pipeline.events import EventKind, LiveEvent
from mien.pipeline.frame import Frame
from mien.pipeline.live.capture import Capture
from mien.pipeline.live.control import ChangeThread
from mien.pipeline.live.kept_error import kept
from mien.pipeline.live.load_shedding import Load, LoadShedding, parts_of
from mien.pipeline.live.output import Output
from mien.pipeline.live.plan import LivePlan, LiveStatus, Prepared
from mien.pipeline.live.signals import Interruption, quick_hand_over
from mien.pipeline.live.sink_workers import Keyed, SinkState, SinkWorker, SinkWorkers
from mien.pipeline.live.stage_threads import Pipeline
from mien.pipeline.live.state import Failures, StageFailure, Verdict
from mien.pipeline.metrics import Memory, process_age_s
from mien.pipeline.report import (
    MARK,
    Report,
    SinkCount,
    StateChange,
    ages_of,
    memory_use_of,
    rounded,
    stage_time_of,
    versions,
)
from mien_models.errors import MienError
from mien_models.system.crash.edge import edge

_LOOK_S: Final = 0.05
_REPLAN_S: Final = 2.0
_SAMPLE_S: Final = 1.0
_STATUS_S: Final = 0.25
_CLOSE_S: Final = 3.0
_FINISH_S: Final = 6.0  # A recording may need longer than a thread: its encoder still holds frames.
_KEPT_CHANGES: Final = 1000


def run_live(plan: LivePlan) -> Report:
    """Run until the plan's time is over, the source ends, the sinks are closed or a signal comes.

    Returns:
        The report, which is also written to `plan.report_path`.

    Raises:
        MienError: why the run could not begin or go on; the report is written all the same.
        KeyboardInterrupt: the second Ctrl-C.
    """
    run = _Run(plan)
    try:
        plan.run_log.begin()
        report = _carried_out(run)
    except BaseException as error:
        plan.run_log.broke_off(error, run.frames_swapped)
        raise
    plan.run_log.end(report, run.error)
    if plan.report_path is not None:
        report.save(plan.report_path)
    if run.error is not None:
        raise run.error
    return report


def _carried_out(run: "_Run") -> Report:
    with Interruption() as interruption, quick_hand_over():
        if run.sink_for_main_thread is None:
            run.control(interruption)
        else:
            control = threading.Thread(target=run.control, args=(interruption,), name="mien-control", daemon=True)
            control.start()
            run.sink_for_main_thread.run()
            control.join()
    run.settle()
    return run.report()


class _Run:
    """One run of a plan. Has state: its threads, and what has happened."""

    def __init__(self, plan: LivePlan) -> None:
        self._plan = plan
        self._began_ns = time.monotonic_ns()
        self._process_age_s = process_age_s()
        self._memory = Memory()
        self._changes: deque[StateChange] = deque(maxlen=_KEPT_CHANGES)
        self._events: deque[LiveEvent] = deque(maxlen=_KEPT_CHANGES)
        self._sink_workers = SinkWorkers(plan.sinks, lambda text: self._tell(EventKind.SINK, text))
        self._output = Output(plan.output, plan.policy, plan.release, self._sink_workers.send, self._on_verdict)
        self._capture = Capture(
            plan.source,
            give=self._give,
            on_outage=self._output.no_frames,
            on_return=self._output.frames_again,
            tell=lambda text: self._tell(EventKind.SOURCE, text),
        )
        self._prepared: Prepared | None = None
        self._fatal: MienError | None = None
        self._pipeline: Pipeline | None = None
        self._load_shedding = LoadShedding(())
        self._renewal: ChangeThread | None = None
        self._dropped_early = 0
        self._failures = Failures()
        self._is_ending = threading.Event()
        self._repeater = threading.Thread(target=self._repeat, name="mien-repeat", daemon=True)
        self._preparer = threading.Thread(target=self._prepare, name="mien-prepare", daemon=True)
        self._notes = dict(plan.notes)
        self._next_sample_s, self._next_plan_s, self._next_status_s = _SAMPLE_S, _REPLAN_S, 0.0
        self.error: MienError | None = None

    @property
    def frames_swapped(self) -> int:
        """How many swapped frames have gone out."""
        return self._output.frames_swapped

    @property
    def sink_for_main_thread(self) -> SinkWorker | None:
        """The sink that the main thread must run itself, beside `control` in another thread."""
        return self._sink_workers.for_main_thread

    def control(self, interruption: Interruption) -> None:
        """Begin, look after the run until there is a reason to end, end."""
        try:
            with edge("The run failed", self.fail):
                self.begin()
                while not self.is_over(wants_stop=interruption.wants_stop):
                    self._plan.controls.obey(interruption.take_panics(), interruption.take_reveals())
                    self.look_after()
                    time.sleep(_LOOK_S)
        finally:
            self.end()

    def begin(self) -> None:
        """Open the sinks with a card in their slots, then everything else, all at once."""
        self._output.begin()
        self._plan.controls.attach(self._output)
        for sink in self._plan.sinks:
            if isinstance(sink, Keyed):
                sink.on_key = self._plan.controls.on_key
        self._sink_workers.start()
        self._repeater.start()
        self._preparer.start()
        self._capture.start()

    def is_over(self, *, wants_stop: bool) -> bool:
        """Whether there is a reason to end; an error is one."""
        workers = self._sink_workers.workers
        if (failed := self._failed()) is not None:
            self.error = failed
        elif all(worker.is_done for worker in workers):
            self.error = next((worker.error for worker in workers if worker.state is SinkState.FAILED), None)
        elif (error := self._failures.given_up(time.monotonic_ns())) is not None:
            self.error = error
        else:
            self.error = self._failures.final_error
            is_late = self._plan.seconds is not None and self._now_s() >= self._plan.seconds
            return wants_stop or self._plan.controls.is_stopping or is_late or self._capture.has_ended
        return True

    def _failed(self) -> MienError | None:
        return self._fatal or self._capture.error or (None if self._pipeline is None else self._pipeline.error)

    def look_after(self) -> None:
        """Do what is due: start the stages when they are ready, group them anew, sample the memory, tell news."""
        if self._pipeline is None and self._prepared is not None:
            self._pipeline = Pipeline(self._prepared.stages, self._deliver)
            self._load_shedding = LoadShedding(parts_of(self._prepared.stages))
            self._renewal = ChangeThread(self._prepared.renew, lambda text: self._tell(EventKind.CHANGE, text))
            self._pipeline.start()
            self._capture.allow_files()
        now_s = self._now_s()
        if now_s >= self._next_sample_s:
            self._next_sample_s = now_s + _SAMPLE_S
            self._memory.sample()
            self._climb(now_s)
            if self._renewal is not None:
                self._renewal.look()
        if now_s >= self._next_plan_s:
            self._next_plan_s = now_s + _REPLAN_S
            self._replan()
        self._pass_on_events()
        if now_s >= self._next_status_s and self._output.state is not None:
            self._next_status_s = now_s + _STATUS_S
            best = self._sink_workers.best
            self._plan.on_status(LiveStatus(self._output.state, best.rate.recent_fps, best.ages.recent_median_ms))

    def end(self) -> None:
        """Stop in the order of the frames, so that what is on its way still arrives; nothing here raises."""
        if not self._capture.stop(_CLOSE_S):
            self._notes["source"] = "The source did not close in time."
        if self._pipeline is not None:
            self._pipeline.close()
            if not self._pipeline.join(_CLOSE_S):
                self._notes["stages"] = "A stage did not finish in time."
        self._is_ending.set()
        self._repeater.join(_CLOSE_S)
        self._sink_workers.close()
        for worker in self._sink_workers.join(_FINISH_S):
            self._notes[f"sink {worker.sink.description}"] = "It did not close in time."
        self._preparer.join(_CLOSE_S)

    def settle(self) -> None:
        """Note how the sinks ended, and tell what has not been told; every thread is done."""
        self._pass_on_events()
        failed = [worker for worker in self._sink_workers.workers if worker.state is SinkState.FAILED]
        self._notes |= {f"sink {worker.sink.description}": str(worker.error) for worker in failed}
        self.error = self.error or self._failed()
        if self.error is None and len(failed) == len(self._sink_workers.workers):
            self.error = failed[0].error
        self._memory.sample()

    def report(self) -> Report:
        """Put the run in numbers; the run has ended."""
        best = self._sink_workers.best
        firsts = [worker.first_live_ns for worker in self._sink_workers.workers if worker.first_live_ns is not None]
        started_s = None if not firsts else self._process_age_s + (min(firsts) - self._began_ns) / 1e9
        times, dropped_by = {} if self._pipeline is None else dict(self._pipeline.times), self._dropped_by()
        return Report(
            frames_in=self._capture.rate.count,
            frames_swapped=self._output.frames_swapped,
            frames_out=best.written,
            dropped=sum(dropped_by.values()),
            repeated=self._output.repeated,
            age_ms=ages_of(best.ages),
            stages={
                name: stage_time_of(t)
                for name, t in {**times, MARK: self._output.mark_times, "sink": best.times}.items()
            },
            fps_in=rounded(self._capture.rate.per_second),
            fps_out=rounded(best.rate.per_second),
            startup_s=rounded(started_s),
            rss_mb=memory_use_of(self._memory),
            providers={} if self._prepared is None else dict(self._prepared.providers),
            state_changes=tuple(self._changes),
            versions=versions(),
            frames_hidden=self._output.frames_hidden,
            dropped_by=dropped_by,
            failures=dict(self._failures.counts),
            sinks={n: SinkCount(w.written, self._output.sent - w.written) for n, w in self._sink_workers.named.items()},
            load_shedding=self._load_shedding.changes,
            notes=self._notes,
        )

    def _dropped_by(self) -> dict[str, int]:
        found = {"start": self._dropped_early}
        if self._pipeline is not None:
            found |= self._pipeline.dropped_by
        delivered = self._output.frames_swapped + self._output.frames_hidden
        # Only a stage that hangs at the end keeps a frame that neither arrived nor was displaced.
        found["unfinished"] = self._capture.rate.count - delivered - sum(found.values())
        found["sink"] = self._output.sent - self._sink_workers.best.written
        return {place: count for place, count in found.items() if count}

    def _now_s(self) -> float:
        return (time.monotonic_ns() - self._began_ns) / 1e9

    def _tell(self, kind: EventKind, text: str) -> None:
        self._events.append(LiveEvent(round(self._now_s(), 3), kind, text))

    def _pass_on_events(self) -> None:
        with edge("Telling what happened failed", self.fail):
            while self._events:
                event = self._events.popleft()
                self._plan.on_event(event)
                self._plan.run_log.hear(event)

    def _on_verdict(self, verdict: Verdict) -> None:
        self._changes.append(StateChange(round(self._now_s(), 3), verdict.state.value, verdict.why))
        self._tell(EventKind.STATE, f"{verdict.state.name}: {verdict.why}")

    def _prepare(self) -> None:
        with edge("The swap could not be prepared", self.fail):
            self._prepared = self._plan.prepare()

    def fail(self, error: MienError) -> None:
        """End the run for this reason, unless there is an earlier one; any thread may say so."""
        self._fatal = self._fatal or kept(error)

    def _give(self, packet: Frame) -> None:
        if self._pipeline is None:
            self._dropped_early += 1
        else:
            self._pipeline.put(packet)

    def _deliver(self, packet: Frame, failure: StageFailure | None) -> None:
        self._failures.learn(failure, time.monotonic_ns())
        self._output.deliver(packet, failure)

    def _repeat(self) -> None:
        pause_s = 0.5 / float(self._plan.output.fps)
        with edge("The last picture could not be repeated", self.fail):
            while not self._is_ending.wait(pause_s):
                self._output.repeat_if_quiet()

    def _replan(self) -> None:
        interval_ms = self._capture.rate.recent_interval_ms
        if self._pipeline is None or interval_ms is None or self._pipeline.replan(interval_ms) is None:
            return
        groups = " | ".join("+".join(names) for names in self._pipeline.groups)
        self._tell(EventKind.THREADS, f"Stages by thread: {groups}.")

    def _climb(self, now_s: float) -> None:
        age_ms, interval_ms = self._sink_workers.best.ages.recent_median_ms, self._capture.rate.recent_interval_ms
        slowest_ms = None if self._pipeline is None else self._pipeline.slowest_ms
        if age_ms is None or not interval_ms or slowest_ms is None:
            return
        frames = self._output.frames_swapped + self._output.frames_hidden
        if (change := self._load_shedding.look(now_s, Load(age_ms, interval_ms, slowest_ms, frames))) is not None:
            self._tell(EventKind.LOAD_SHEDDING, change.why)
