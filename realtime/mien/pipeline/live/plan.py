"""What a live run is made of, and what may be done while it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mien.pipeline.events import Event
from mien.pipeline.frame import OutputFormat
from mien.pipeline.interfaces import LiveSource, Stage
from mien.pipeline.live.controls import Controls
from mien.pipeline.live.state import Policy
from mien.pipeline.report import RemoteReport, Report, SoundReport
from mien.pipeline.sink_interfaces import Sink
from mien_models.errors import MienError


@dataclass(frozen=True, slots=True)
class Prepared:
    """What takes time to make: networks loaded, the photo's face found."""

    stages: tuple[Stage, ...]
    """In order; their names differ, the last one is a `MarkingStage`. `Unused` keeps the place of one left out."""
    providers: Mapping[str, str] = field(default_factory=dict[str, str])
    """What each network really runs on, for the report."""


def _ignore(_event: Event) -> None:
    """Nobody listens."""


def _nothing() -> None:
    """Nobody watches."""


def _no_sound() -> SoundReport | None:
    """There is none."""
    return None


def _no_remote() -> RemoteReport | None:
    """This machine swaps."""
    return None


class RunLog(Protocol):
    """Somebody who keeps a record of the run; nothing that it does may raise."""

    def begin(self) -> None:
        """Take down that the run begins."""
        ...

    def hear(self, event: Event) -> None:
        """Take down an event, in the thread of `LivePlan.on_event`."""
        ...

    def end(self, report: Report, error: MienError | None) -> None:
        """Take down how the run ended."""
        ...

    def broke_off(self, error: BaseException, frames_swapped: int) -> None:
        """Take down that the run ended without a report: by the second Ctrl-C, or because the program is at fault."""
        ...


class _Nobody:
    """Keeps no record."""

    def begin(self) -> None:
        """Do nothing."""

    def hear(self, event: Event) -> None:
        """Do nothing."""

    def end(self, report: Report, error: MienError | None) -> None:
        """Do nothing."""

    def broke_off(self, error: BaseException, frames_swapped: int) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class LivePlan:
    """One live run."""

    source: LiveSource
    """Closed; the run opens and closes it."""
    prepare: Callable[[], Prepared]
    """Called once, in a thread of its own, while the sinks and the source open; a MienError of it ends the run."""
    sinks: tuple[Sink, ...]
    """Closed, at least one; each is opened, written and closed in one thread of its own."""
    output: OutputFormat
    """What every sink was made for."""
    policy: Policy = field(default_factory=Policy)
    controls: Controls = field(default_factory=Controls)
    seconds: float | None = None
    """End after this long; None runs until stopped."""
    report_path: Path | None = None
    """Where the report is written, also when the run fails."""
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the report should mention, for instance {'label': 'off: ...'}."""
    on_event: Callable[[Event], None] = _ignore
    """Called by one thread, at most 0.1 s after the fact."""
    on_tick: Callable[[], None] = _nothing
    """Called by the same thread about four times a second."""
    sound: Callable[[], SoundReport | None] = _no_sound
    """Says, at the end, how the sound was."""
    remote: Callable[[], RemoteReport | None] = _no_remote
    """Says, at the end, how the line to the machine that swapped was."""
    run_log: RunLog = field(default_factory=_Nobody)
    """Keeps a record of the run."""
