"""What a live run counted, put into the report."""

from collections.abc import Mapping
from dataclasses import dataclass

from mien.pipeline.live.capture import Capture
from mien.pipeline.live.output import Output
from mien.pipeline.live.sink_workers import SinkWorkers
from mien.pipeline.live.stage_threads import Pipeline
from mien.pipeline.metrics import Memory
from mien.pipeline.report import (
    MARK,
    LoadChange,
    Report,
    StateChange,
    ages_of,
    memory_use_of,
    rounded,
    stage_time_of,
    versions,
)


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """The parts of a run that count, and what the run itself has noted."""

    capture: Capture
    output: Output
    sink_workers: SinkWorkers
    pipeline: Pipeline | None
    """None when the run ended before its stages were ready."""
    memory: Memory
    dropped_early: int
    """Frames that came before the stages were ready."""
    failures: Mapping[str, int]
    changes: tuple[StateChange, ...]
    load_changes: tuple[LoadChange, ...]
    providers: Mapping[str, str]
    notes: Mapping[str, str]
    began_ns: int
    process_age_s: float
    """How old the process was when the run began."""

    def report(self) -> Report:
        """Put the run in numbers; the run has ended."""
        best, dropped_by = self.sink_workers.best, self._dropped_by()
        times = {} if self.pipeline is None else dict(self.pipeline.times)
        times |= {MARK: self.output.mark_times, "sink": best.times}
        return Report(
            frames_in=self.capture.rate.count,
            frames_swapped=self.output.frames_swapped,
            frames_out=best.written,
            dropped=sum(dropped_by.values()),
            repeated=self.output.repeated,
            age_ms=ages_of(best.ages),
            stages={name: stage_time_of(histogram) for name, histogram in times.items()},
            fps_in=rounded(self.capture.rate.per_second),
            fps_out=rounded(best.rate.per_second),
            startup_s=rounded(self._startup_s()),
            rss_mb=memory_use_of(self.memory),
            providers=dict(self.providers),
            state_changes=self.changes,
            versions=versions(),
            frames_hidden=self.output.frames_hidden,
            dropped_by=dropped_by,
            failures=dict(self.failures),
            sinks=self.sink_workers.counts,
            load_shedding=self.load_changes,
            notes=dict(self.notes),
        )

    def _startup_s(self) -> float | None:
        firsts = [worker.first_live_ns for worker in self.sink_workers.workers if worker.first_live_ns is not None]
        return None if not firsts else self.process_age_s + (min(firsts) - self.began_ns) / 1e9

    def _dropped_by(self) -> dict[str, int]:
        found = {"start": self.dropped_early}
        if self.pipeline is not None:
            found |= self.pipeline.dropped_by
        delivered = self.output.frames_swapped + self.output.frames_hidden
        # Only a stage that hangs at the end keeps a frame that neither arrived nor was displaced.
        found["unfinished"] = self.capture.rate.count - delivered - sum(found.values())
        found["sink"] = self.output.sent - self.sink_workers.best.written
        return {place: count for place, count in found.items() if count}
