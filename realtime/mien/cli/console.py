"""The people at the terminal: what is said to them on stderr and what they answer."""

import logging
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.logging import RichHandler
from rich.text import Text

from mien.pipeline.frame import State
from mien.pipeline.report import Report
from mien.session.session import SessionStatus
from mien_models.system.printable import in_one_line, printable

_OURS: Final = ("mien", "mien_models")


@contextmanager
def terminal(*, is_debug: bool) -> Generator[Console]:
    """Send the log to people on stderr while a command runs, and give the console it goes through.

    Our own sentences are shown from INFO up, libraries' from WARNING up; `is_debug` shows everything with its origin.
    """
    console = Console(stderr=True, highlight=False)
    handler = _handler(console, is_debug=is_debug)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if is_debug else logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.DEBUG if is_debug else logging.INFO)
    try:
        yield console
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        for name in _OURS:
            logging.getLogger(name).setLevel(logging.NOTSET)


@contextmanager
def progress_bar(console: Console, name: str) -> Generator[Callable[[int, int | None], None]]:
    """Show a bar on a terminal while a file is worked on."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    # No markup: the name is somebody else's.
    title = TextColumn("{task.description}", markup=False)
    columns = title, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(in_one_line(name), total=None)

        def show(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        yield show


@contextmanager
def download_bar(console: Console, name: str) -> Generator[Callable[[int, int | None], None]]:
    """Show a bar on a terminal while a file comes: how much, how fast, how long still."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    # No markup: the name is somebody else's.
    title = TextColumn("{task.description}", markup=False)
    columns = title, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(in_one_line(name), total=None)

        def show(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        yield show


def asker() -> Callable[[str], str] | None:
    """Give what puts a question to a person; None where nobody is there to answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(question: str) -> str:
        print(printable(question), "> ", sep="\n", end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):  # Ctrl-D leaves the cursor behind the question
            print(file=sys.stderr)
        return answer

    return ask


def _handler(console: Console, *, is_debug: bool) -> logging.Handler:
    if console.is_terminal:
        colourful = _Colourful(console=console, show_time=is_debug, show_level=is_debug, show_path=is_debug)
        colourful.setFormatter(logging.Formatter("%(message)s"))
        return colourful
    plain = logging.StreamHandler(sys.stderr)
    plain.setFormatter(
        logging.Formatter("%(relativeCreated)d ms %(name)s %(levelname)s: %(message)s") if is_debug else _Sentence()
    )
    return plain


class _Sentence(logging.Formatter):
    """Writes `mien: sentence`, with the level where it is a warning or worse."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        return f"mien: {level}{_fit(record, super().format(record))}"


class _Colourful(RichHandler):
    """Writes sentences above a live status line, in colour where they matter."""

    def render_message(self, record: logging.LogRecord, message: str) -> Text:
        """Colour by level."""
        style = "bold red" if record.levelno >= logging.ERROR else "yellow" if record.levelno >= logging.WARNING else ""
        return Text(_fit(record, message), style=style)


def _fit(record: logging.LogRecord, message: str) -> str:
    """Take out what a terminal would obey, such as the names of files; a sentence of ours is one line."""
    return in_one_line(message) if record.name.partition(".")[0] in _OURS else printable(message)


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

    def show(self, status: SessionStatus) -> None:
        """Renew the line."""
        if self._is_shown:
            self._live.update(_line(status), refresh=True)


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


def _line(status: SessionStatus) -> Text:
    run = status.run
    rate = "" if run.fps_out is None else f"  {run.fps_out:.0f} frames a second"
    age = "" if run.recent_age_ms is None else f"  {run.recent_age_ms:.0f} ms old"
    return Text.assemble((run.state.name, _STYLES[run.state]), rate, age, ("  Ctrl-C ends", "dim"))
