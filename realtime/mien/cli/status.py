"""What a live run says to people while it lasts: sentences as things happen, one line that stays on a terminal."""

import logging
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from mien.live.plan import EventKind, LiveEvent, LiveStatus
from mien.packet import State
from mien.report import Report
from mien_models.errors import MienError

_LOG = logging.getLogger(__name__)
_STYLES: Final = {
    State.LIVE: "bold green",
    State.LOST: "yellow",
    State.PRIVACY: "cyan",
    State.FAULT: "bold red",
    State.REVEALED: "bold magenta",
}


class StatusLine:
    """Shows the state, the rate and the age of frames at the foot of a terminal; says nothing where there is none.

    Keeps the line's place on the screen between enter and exit.
    """

    def __init__(self, console: Console) -> None:
        self._live = Live(Text("Starting ..."), console=console, transient=True, auto_refresh=False)
        self._is_shown = console.is_terminal

    def __enter__(self) -> Self:
        """Begin the line."""
        if self._is_shown:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the line away."""
        if self._is_shown:
            self._live.stop()

    def show(self, status: LiveStatus) -> None:
        """Renew the line."""
        if self._is_shown:
            self._live.update(_line(status), refresh=True)


class Teller:
    """Says what happens in the log, what only engineers ask for with --debug; keeps the sentences of the sinks.

    A sink that fails is said at once; where that also ends the run, it need not be said again.
    """

    def __init__(self) -> None:
        self._of_sinks: set[str] = set()

    def say(self, event: LiveEvent) -> None:
        """Say one thing."""
        match event.kind:
            case EventKind.THREADS:
                _LOG.debug(event.text)
            case EventKind.STATE if event.text.startswith(State.FAULT.name):
                _LOG.warning(event.text)
            case EventKind.LADDER:
                _LOG.warning(event.text)
            case EventKind.SINK:
                self._of_sinks.add(event.text)
                (_LOG.info if event.text.startswith("Output:") else _LOG.warning)(event.text)
            case _:
                _LOG.info(event.text)

    def has_said(self, error: MienError) -> bool:
        """Whether people have read this already."""
        return str(error) in self._of_sinks


def say_summary(report: Report) -> None:
    """Say in one sentence what a run did."""
    parts = [f"{report.frames_in} frames in, {report.frames_swapped} swapped, {report.frames_out} out"]
    if report.fps_out is not None:
        parts.append(f"{report.fps_out:.1f} frames a second")
    if report.age_ms is not None and report.age_ms.p95 is not None:
        parts.append(f"95 % of them younger than {report.age_ms.p95:.0f} ms")
    if report.startup_s is not None:
        parts.append(f"the first swapped one after {report.startup_s:.1f} s")
    _LOG.info("Done: %s.", "; ".join(parts))


def _line(status: LiveStatus) -> Text:
    rate = "" if status.fps is None else f"  {status.fps:.0f} frames a second"
    age = "" if status.age_ms is None else f"  {status.age_ms:.0f} ms old"
    return Text.assemble((status.state.name, _STYLES[status.state]), rate, age, ("  Ctrl-C ends", "dim"))
