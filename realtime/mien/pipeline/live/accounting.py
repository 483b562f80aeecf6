"""What a live run counts: at one moment, and at its end in the report."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mien.pipeline.frame import State
from mien.pipeline.live.capture import Capture
from mien.pipeline.live.load_shedding import LoadShedding
from mien.pipeline.live.output import Output
from mien.pipeline.live.sink_workers import SinkWorkers, addresses_of
from mien.pipeline.live.stage_threads import Pipeline
from mien.pipeline.live.state import Cause
from mien.pipeline.metrics import Memory
from mien.pipeline.report import (
    MARKS,
    Ages,
    LoadChange,
    Report,
    SoundReport,
    StageTime,
    StateChange,
    ages_of,
    memory_use_of,
    rounded,
    stage_time_of,
    versions,
)


@dataclass(frozen=True, slots=True)
class SinkHealth:
    """How one output is doing."""

    description: str
    state: str
    """'opening', 'open', 'closed' or 'failed'."""
    why: str | None
    """One sentence where it failed."""
    written: int
    dropped: int
    fps: float | None
    """Frames a second of late."""
    addresses: tuple[str, ...] = ()
    """Where it can be looked at, this computer's own first; for its user only, whoever knows one can watch."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What can be seen of a run from outside."""

    state: State
    why: str
    cause: Cause | None
    fps_in: float | None
    """Frames a second of late that the source gave."""
    fps_out: float | None
    """Frames a second of late that the best sink wrote."""
    age_ms: Ages
    """Of all frames so far."""
    recent_age_ms: float | None
    """The median of late."""
    frames_in: int
    frames_swapped: int
    frames_out: int
    repeated: int
    dropped: Mapping[str, int]
    stages: Mapping[str, StageTime]
    shed: tuple[str, ...]
    """The optional parts that are left out because the machine is too slow."""
    source: str | None
    """What frames come from; None before it is open."""
    sinks: tuple[SinkHealth, ...]
    faces: int
    """Faces in sight in the newest frame."""
    recent_age_p95_ms: float | None = None
    """What 95 % of the last frames did not exceed."""
    recent_stages_ms: Mapping[str, float] = field(default_factory=dict[str, float])
    """What each stage takes for a frame of late, by the median."""
    is_frozen: bool = False
    """Whether the last swapped picture is held."""

    @classmethod
    def of(
        cls,
        capture: Capture,
        output: Output,
        sink_workers: SinkWorkers,
        pipeline: Pipeline | None,
        load_shedding: LoadShedding,
    ) -> "Snapshot":
        """Read the parts of a run; each number is of about the same moment."""
        best, verdict = sink_workers.best, output.verdict
        times = {} if pipeline is None else pipeline.times  # pyright: ignore[reportUnknownVariableType]
        return cls(
            state=State.LOST if verdict is None else verdict.state,
            why="Starting." if verdict is None else verdict.why,
            cause=Cause.STARTING if verdict is None else verdict.cause,
            fps_in=_per_second(capture.rate.recent_interval_ms),
            fps_out=_per_second(best.rate.recent_interval_ms),
            age_ms=ages_of(best.ages),
            recent_age_ms=rounded(best.ages.recent_median_ms),
            frames_in=capture.rate.count,
            frames_swapped=output.frames_swapped,
            frames_out=best.written,
            repeated=output.repeated,
            dropped={} if pipeline is None else {name: count for name, count in pipeline.dropped_by.items() if count},
            stages={name: stage_time_of(histogram) for name, histogram in times.items()},  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            shed=load_shedding.left_out,
            source=None if capture.info is None else capture.info.description,
            sinks=tuple(
                SinkHealth(
                    worker.sink.description,
                    worker.state.value,
                    None if worker.error is None else str(worker.error),
                    worker.written,
                    worker.mailbox.written - worker.written,
                    _per_second(worker.rate.recent_interval_ms),
                    addresses_of(worker.sink),
                )
                for worker in sink_workers.workers
            ),
            faces=output.faces_in_sight,
            recent_age_p95_ms=rounded(best.ages.recent_ms(95)),
            recent_stages_ms={
                name: round(cost_ms, 3)  # pyright: ignore[reportUnknownArgumentType]
                for name, histogram in times.items()  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
                if (cost_ms := histogram.recent_median_ms) is not None  # pyright: ignore[reportUnknownVariableType]
            },
            is_frozen=output.is_frozen,
        )


def _per_second(interval_ms: float | None) -> float | None:
    return None if not interval_ms else round(1000 / interval_ms, 2)


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
    sound: SoundReport | None
    began_ns: int
    process_age_s: float
    """How old the process was when the run began."""

    def report(self) -> Report:
        """Put the run in numbers; the run has ended."""
        best, dropped_by = self.sink_workers.best, self._dropped_by()
        times = {} if self.pipeline is None else dict(self.pipeline.times)
        times |= {MARKS: self.output.mark_times, "sink": best.times}
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
            sound=self.sound,
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
