"""The live run: source, stages and sinks put to work together, watched, changed, and ended cleanly."""

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

from mien.pipeline.events import EventFact, SinkFailed, SinkRemoved, SourceOpened
from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import LiveSource, MarkingStage, SourceInfo, Stage
from mien.pipeline.live.accounting import Account, Snapshot
from mien.pipeline.live.capture import Capture
from mien.pipeline.live.controls import Signals, quick_hand_over
from mien.pipeline.live.load_shedding import LoadShedding, parts_of
from mien.pipeline.live.output import Output
from mien.pipeline.live.plan import LivePlan, Prepared
from mien.pipeline.live.sink_workers import SinkState, SinkWorkers
from mien.pipeline.live.stage_threads import Pipeline
from mien.pipeline.live.state import Failures, Policy, StageFailure
from mien.pipeline.live.upkeep import News, Upkeep
from mien.pipeline.metrics import process_age_s
from mien.pipeline.report import Report, SoundReport, ages_of
from mien.pipeline.sink_interfaces import Sink
from mien.provenance.release import unmarked
from mien_models.errors import MienError, ModelError, SinkError
from mien_models.system.crash.edge import edge, kept

_LOOK_S: Final = 0.05
_CLOSE_S: Final = 3.0
_PREPARED_S: Final = 20.0
"""What loads networks cannot be interrupted, and a process that ends meanwhile is aborted by their libraries."""
_OPEN_S: Final = 10.0
"""A sink that is added may take this long to open: a camera's driver, a server."""
_FINISH_S: Final = 6.0
"""A recording may need longer than a thread: its encoder still holds frames."""


def run_live(plan: LivePlan) -> Report:
    """Run until the plan's time is over, the source ends, the sinks are closed or a signal comes.

    Returns:
        The report, which is also written to `plan.report_path`.

    Raises:
        MienError: why the run could not begin or go on; the report is written all the same.
        KeyboardInterrupt: the second Ctrl-C.
    """
    return LiveRun(plan).run()


class LiveRun:
    """One run of a plan, which can be changed while it lasts. Has state: its threads, and what has happened."""

    def __init__(self, plan: LivePlan) -> None:
        self._plan = plan
        self._news = News()
        self._process_age_s = process_age_s()
        self._sink_workers = SinkWorkers(plan.sinks, self.tell, plan.controls.on_key)
        self._output = Output(plan.output, plan.policy, unmarked, self._sink_workers.send, self._news.hear)
        self._capture = Capture(
            plan.source,
            give=self._give,
            on_outage=self._output.no_frames,
            on_return=self._output.frames_again,
            on_open=lambda description: self.tell(SourceOpened(description)),
        )
        self._upkeep = Upkeep(self._capture, self._output, self._sink_workers, self.tell, plan.on_tick)
        self._prepared: Prepared | None = None
        self._fatal: MienError | None = None
        self._pipeline: Pipeline | None = None
        self._dropped_early = 0
        self._failures = Failures()
        self._is_ending = threading.Event()
        self._repeater = threading.Thread(target=self._repeat, name="mien-repeat", daemon=True)
        self._preparer = threading.Thread(target=self._prepare, name="mien-prepare", daemon=True)
        self._notes = dict(plan.notes)
        self.error: MienError | None = None

    def run(self) -> Report:
        """Run; the main thread calls it. As `run_live`."""
        try:
            self._plan.run_log.begin()
            report = self._carried_out()
        except BaseException as error:
            self._plan.run_log.broke_off(error, self._output.frames_swapped)
            raise
        self._plan.run_log.end(report, self.error)
        if self._plan.report_path is not None:
            report.save(self._plan.report_path)
        if self.error is not None:
            raise self.error
        return report

    def _carried_out(self) -> Report:
        with Signals() as signals, quick_hand_over():
            # A window has to be looked after by the main thread itself, beside `control` in another one.
            if (own := self._sink_workers.for_main_thread) is None:
                self.control(signals)
            else:
                control = threading.Thread(target=self.control, args=(signals,), name="mien-control", daemon=True)
                control.start()
                own.run()
                control.join()
        self.settle()
        return self.report()

    @property
    def output(self) -> Output:
        """What is shown; it may be asked and steered while the run lasts."""
        return self._output

    def control(self, signals: Signals) -> None:
        """Begin, look after the run until there is a reason to end, end."""
        try:
            with edge("The run failed", self.fail):
                self.begin()
                while not self.is_over(wants_stop=signals.wants_stop):
                    self._plan.controls.obey(signals.take_panics(), signals.take_reveals())
                    self.look_after()
                    time.sleep(_LOOK_S)
        finally:
            self.end()

    def replace(self, stages: Sequence[Stage], policy: Policy | None = None) -> None:
        """Put stages into the places of those of the same names, all between the same two frames; any thread may.

        Raises:
            MienError: the first stages are not ready yet.
        """
        if self._pipeline is None:
            raise ModelError("The first swapper is still being loaded; ask again in a moment.")
        self._pipeline.replace([stage for stage in stages if not isinstance(stage, MarkingStage)])
        for stage in stages:
            self._mark_with(stage)
        self._upkeep.load_shedding.take(parts_of(self._pipeline.stages))
        self._output.replace(policy=policy)

    def change_source(self, source: LiveSource, before_first: Callable[[], None]) -> "Future[SourceInfo]":
        """Take frames from elsewhere, as `Capture.change`; any thread may."""
        return self._capture.change(source, before_first)

    def add_sink(self, sink: Sink, timeout_s: float = _OPEN_S) -> None:
        """Open one more output and wait until that is decided; any thread may.

        Raises:
            SinkError: it does not open.
        """
        worker = self._sink_workers.add(sink)
        if not worker.settled.wait(timeout_s) or worker.error is not None:
            self._sink_workers.remove(worker)
            raise worker.error or SinkError(f"{sink.description} did not open within {timeout_s:.0f} s.")

    def remove_sink(self, sink: Sink) -> None:
        """Close one output; the others go on; any thread may."""
        for worker in [one for one in self._sink_workers.workers if one.sink is sink]:
            self._sink_workers.remove(worker)
            self.tell(SinkRemoved(sink.description))

    @property
    def is_ready(self) -> bool:
        """Whether the stages work."""
        return self._pipeline is not None

    def snapshot(self) -> "Snapshot":
        """Say how the run is doing right now; any thread may."""
        return Snapshot.of(self._capture, self._output, self._sink_workers, self._pipeline, self._upkeep.load_shedding)

    @property
    def recent_age_ms(self) -> float | None:
        """What 99 % of the last frames were not older than when a sink had taken them; None before the first."""
        return self._sink_workers.best.ages.recent_ms(99)

    def begin(self) -> None:
        """Open the sinks with a card in their mailboxes, then everything else, all at once."""
        self._output.begin()
        self._plan.controls.attach(self._output)
        self._sink_workers.start()
        self._repeater.start()
        self._preparer.start()
        self._capture.start()

    def is_over(self, *, wants_stop: bool) -> bool:
        """Whether there is a reason to end; an error is one."""
        workers = self._sink_workers.workers
        if (failed := self._failed()) is not None:
            self.error = failed
        elif workers and all(worker.is_done for worker in workers):
            self.error = next((worker.error for worker in workers if worker.state is SinkState.FAILED), None)
        elif (error := self._failures.given_up(time.monotonic_ns())) is not None:
            self.error = error
        else:
            self.error = self._failures.final_error
            is_late = self._plan.seconds is not None and self._news.now_s >= self._plan.seconds
            return wants_stop or self._plan.controls.is_stopping or is_late or self._capture.has_ended
        return True

    def _failed(self) -> MienError | None:
        return self._fatal or self._capture.error or (None if self._pipeline is None else self._pipeline.error)

    def look_after(self) -> None:
        """Do what is due: start the stages when they are ready, group them anew, sample the memory, tell news."""
        if self._pipeline is None and self._prepared is not None:
            *stages, marks = self._prepared.stages
            self._mark_with(marks)
            self._upkeep.load_shedding = LoadShedding(parts_of(stages))
            self._pipeline = Pipeline(stages, self._deliver)
            self._pipeline.start()
            self._capture.allow_files()
        now_s = self._news.now_s
        self._upkeep.do_what_is_due(now_s, self._pipeline)
        self._pass_on_events()
        self._upkeep.tick(now_s)

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
        for name in (worker.sink.description for worker in self._sink_workers.join(_FINISH_S)):
            self._notes[f"sink {name}"] = "It did not close in time."
            self.tell(SinkFailed(name, f"The {name} did not close in time: see 'mien recover'.", is_tried_again=False))
        self._preparer.join(_PREPARED_S)

    def settle(self) -> None:
        """Note how the sinks ended, and tell what has not been told; every thread is done."""
        self._pass_on_events()
        failed = [worker for worker in self._sink_workers.workers if worker.state is SinkState.FAILED]
        self._notes |= {f"sink {worker.sink.description}": str(worker.error) for worker in failed}
        self.error = self.error or self._failed()
        if self.error is None and failed and len(failed) == len(self._sink_workers.workers):
            self.error = failed[0].error
        self._upkeep.memory.sample()

    def report(self) -> Report:
        """Put the run in numbers; the run has ended."""
        account = Account(
            self._capture,
            self._output,
            self._sink_workers,
            self._pipeline,
            self._upkeep.memory,
            self._dropped_early,
            self._failures.counts,
            self._news.changes,
            self._upkeep.load_shedding.changes,
            {} if self._prepared is None else self._prepared.providers,
            self._notes,
            self._sound_report(),
            self._news.began_ns,
            self._process_age_s,
        )
        return dataclasses.replace(account.report(), remote=self._plan.remote())

    def _sound_report(self) -> SoundReport | None:
        report, delay_ms = self._plan.sound(), ages_of(self._sink_workers.best.ages).p99
        return None if report is None else dataclasses.replace(report, delay_ms=delay_ms)

    def tell(self, fact: EventFact) -> None:
        """Let whoever listens know, a moment later; any thread may."""
        self._news.tell(fact)

    def _mark_with(self, stage: Stage) -> None:
        if isinstance(stage, MarkingStage):
            self._output.replace(release=stage.release)

    def _pass_on_events(self) -> None:
        with edge("Telling what happened failed", self.fail):
            self._news.pass_on((self._plan.on_event, self._plan.run_log.hear))

    def _prepare(self) -> None:
        with edge("The swap could not be prepared", self.fail):
            self._prepared = self._plan.prepare()

    def fail(self, error: MienError) -> None:
        """End the run for this reason, unless there is an earlier one; any thread may say so."""
        self._fatal = self._fatal or kept(error)

    def _give(self, frame: Frame) -> None:
        if self._pipeline is None:
            self._dropped_early += 1
        else:
            self._pipeline.put(frame)

    def _deliver(self, frame: Frame, failure: StageFailure | None) -> None:
        self._failures.learn(failure, time.monotonic_ns())
        self._output.deliver(frame, failure)

    def _repeat(self) -> None:
        pause_s = 0.5 / float(self._plan.output.fps)
        with edge("The last picture could not be repeated", self.fail):
            while not self._is_ending.wait(pause_s):
                self._output.repeat_if_quiet()
