"""A bar that fills while something takes long; lines where nobody sees a terminal."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from mien_export.cli.shared import say

if TYPE_CHECKING:
    from rich.progress import Progress as Rich
    from rich.progress import TaskID

    from mien_export.progress import Progress

_LINE_EVERY_S: Final = 5.0
_BAR_WIDTH: Final = 24


@contextmanager
def shown() -> Generator["Progress", None, None]:
    """Show progress on stderr for as long as this lasts."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    # Its column says no percentage where none is known. What is done may be long: that is cut, not the time beside it.
    said = TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"))
    columns = SpinnerColumn(), BarColumn(_BAR_WIDTH), TaskProgressColumn(), TimeElapsedColumn(), said
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as bar:
        yield Bar(bar)


class Lines:
    """Says what begins and how far it is, of what follows quickly only some."""

    def __init__(self) -> None:
        self._said_s = -_LINE_EVERY_S

    def __call__(self, text: str, share: float | None = None, /) -> None:
        """Take what is done now."""
        if share is None:
            say(text)
        elif time.monotonic() - self._said_s > _LINE_EVERY_S:
            self._said_s = time.monotonic()
            say(f"{text} ({share:.0%})")


class Bar:
    """Moves a bar; while nothing is known of the share, it swings."""

    def __init__(self, bar: "Rich") -> None:
        self._bar = bar
        self._task: TaskID = bar.add_task("beginning", total=None)

    def __call__(self, text: str, share: float | None = None, /) -> None:
        """Take what is done now."""
        self._bar.update(self._task, description=text, total=None if share is None else 1.0, completed=share or 0.0)
