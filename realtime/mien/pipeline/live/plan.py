"""What a live run is made of, and what may be done while it runs."""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from mien.pipeline.events import LiveEvent
from mien.pipeline.frame import State
from mien.pipeline.interfaces import LiveSource, OutputFormat, Sink, Stage
from mien.pipeline.live.output import Release
from mien.pipeline.live.state import Policy
from mien.pipeline.report import Report
from mien.provenance.marks import Marks
from mien_models.errors import MienError

PANIC_KEY: Final = "p"


REVEAL_KEY: Final = "r"


_TWICE_WITHIN_S: Final = 2.0


_LOG = logging.getLogger(__name__)


def _nothing_new() -> str | None:
    """Nobody changes anything."""
    return None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What takes time to make: networks loaded, the photo's face found."""

    stages: tuple[Stage, ...]
    """In order; their names differ."""
    providers: Mapping[str, str] = field(default_factory=dict[str, str])
    """What each network really runs on, for the report."""
    renew: Callable[[], str | None] = _nothing_new
    """Called about once a second in a thread of its own: takes on what the user has changed, and says what that was.

    A MienError of it is told, and what was there before stays.
    """


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """How a run is doing, for people who watch it."""

    state: State
    fps: float | None
    """Frames a second of late that a sink has written; None at the start."""
    age_ms: float | None
    """How old frames of late were when a sink had written them; None while nothing comes."""


class PrivacySwitch(Protocol):
    """What hides the picture, shows it again, and shows the camera's own for a moment."""

    def reveal(self) -> bool:
        """Show the camera as it is for three seconds; False where that may not be now."""
        ...

    def set_privacy(self, *, on: bool) -> None:
        """Hide at once, or show again from the next swapped frame on."""
        ...


class Controls:
    """What a person may do while a run lasts, from any thread. Has state: the panic key and the wish to stop.

    Make it first, give it to a window or panel, then to the plan.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._switch: PrivacySwitch | None = None
        self._is_private = False
        self._is_stopping = False
        self._reveal_pressed_s = -math.inf

    @property
    def is_private(self) -> bool:
        """Whether the panic key is down."""
        return self._is_private

    @property
    def is_stopping(self) -> bool:
        """Whether somebody asked the run to end."""
        return self._is_stopping

    def set_privacy(self, *, on: bool) -> None:
        """Hide at once (the card is on its way to the sinks when this returns), or allow the picture again."""
        with self._lock:
            self._hide(on=on)

    def toggle_privacy(self) -> None:
        """Press the panic key; of two presses at once from two threads, each counts."""
        with self._lock:
            self._hide(on=not self._is_private)

    def on_key(self, name: str) -> None:
        """Take a key of a window: PANIC_KEY hides and shows; REVEAL_KEY, twice, shows the camera as it is."""
        if name == PANIC_KEY:
            self.toggle_privacy()
        elif name == REVEAL_KEY:
            if self._is_second_press():
                self.reveal()
            else:
                _LOG.info("Press %s once more to show the camera as it is, with your face, for 3 s.", REVEAL_KEY)

    def reveal(self) -> None:
        """Show the camera as it is for three seconds, so that others can ask for it."""
        with self._lock:
            is_shown = self._switch is not None and self._switch.reveal()
        if not is_shown:
            _LOG.warning(
                "The camera is not shown as it is: the panic key is down, there is a fault, or it is shown already."
            )

    def obey(self, panics: int, reveals: int) -> None:
        """Do what signals asked for since the last time."""
        for _ in range(panics):
            self.toggle_privacy()
        if reveals:
            self.reveal()

    def stop(self) -> None:
        """End the run cleanly, as Ctrl-C does."""
        self._is_stopping = True

    def attach(self, switch: PrivacySwitch) -> None:
        """Connect the run; a key that was pressed before counts."""
        with self._lock:
            self._switch = switch
            switch.set_privacy(on=self._is_private)

    def _hide(self, *, on: bool) -> None:
        self._is_private = on
        if self._switch is not None:
            self._switch.set_privacy(on=on)

    def _is_second_press(self) -> bool:
        with self._lock:
            now_s = time.monotonic()
            is_second = now_s - self._reveal_pressed_s < _TWICE_WITHIN_S
            self._reveal_pressed_s = -math.inf if is_second else now_s
            return is_second


def _ignore(_event: LiveEvent) -> None:
    """Nobody listens."""


def _ignore_status(_status: LiveStatus) -> None:
    """Nobody watches."""


def _marks_of_its_own() -> Release:
    """A session that nobody asked for anything else."""
    return Marks().release


class RunLog(Protocol):
    """Somebody who keeps a record of the run; nothing that it does may raise."""

    def begin(self) -> None:
        """Take down that the run begins."""
        ...

    def hear(self, event: LiveEvent) -> None:
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

    def hear(self, event: LiveEvent) -> None:
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
    release: Release = field(default_factory=_marks_of_its_own)
    """What marks every swapped picture before a sink gets it."""
    controls: Controls = field(default_factory=Controls)
    seconds: float | None = None
    """End after this long; None runs until stopped."""
    report_path: Path | None = None
    """Where the report is written, also when the run fails."""
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the report should mention, for instance {'label': 'off: ...'}."""
    on_event: Callable[[LiveEvent], None] = _ignore
    """Called by one thread, at most 0.1 s after the fact."""
    on_status: Callable[[LiveStatus], None] = _ignore_status
    """Called by the same thread about four times a second."""
    run_log: RunLog = field(default_factory=_Nobody)
    """Keeps a record of the run."""
