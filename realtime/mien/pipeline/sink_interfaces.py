"""What a sink promises, and what some of them can besides; nothing to inherit."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.provenance.c2pa.sign import Signer


class Sink(Protocol):
    """Where frames go: `with sink: sink.write(frame)`. Opens on enter; one thread writes."""

    @property
    def description(self) -> str:
        """One line for people: which device, window or file."""
        ...

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            SinkError: it cannot be opened; the message says what to install or change.
        """
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it and finish what it wrote; a failure on the way is raised as SinkError."""
        ...

    def write(self, frame: OutputFrame) -> None:
        """Write one frame; may block for as long as the output needs.

        Raises:
            SinkError: the output is gone, full or closed by its user.
        """
        ...


class SinkFactory(Protocol):
    """Makes a sink, closed."""

    def __call__(self, target: str, output: OutputFormat) -> Sink:
        """Make it without opening anything; `target` is what follows the colon of `--sink name:target`, or ''."""
        ...


@runtime_checkable
class Signed(Protocol):
    """A sink that leaves files, which are signed where they show a swapped face."""

    signer: Signer
    """Set to that of the session before the sink is opened."""


@runtime_checkable
class Finishing(Protocol):
    """A sink whose closing takes longer the more was written to it."""

    @property
    def is_finishing(self) -> bool:
        """Whether it is at work on that; a run waits for it."""
        ...


@runtime_checkable
class Splittable(Protocol):
    """A sink that writes a file and can go on in another one, without a gap."""

    def split(self) -> Path:
        """Go on in another file; give its path. Any thread may.

        Raises:
            SinkError: it has ended.
        """
        ...


@runtime_checkable
class Reopenable(Protocol):
    """A sink that may be opened again after it failed, with nothing lost: a device, never a file."""

    @property
    def is_reopenable(self) -> bool:
        """True when leaving and entering it once more is worth a try."""
        ...


@runtime_checkable
class MainThreaded(Protocol):
    """A sink that only a program's main thread may open and write, as windows of macOS are."""

    @property
    def needs_main_thread(self) -> bool:
        """True on systems where that is so."""
        ...


@runtime_checkable
class Keyed(Protocol):
    """A sink with a keyboard, as a window has."""

    on_key: Callable[[str], None] | None
    """Called in the sink's thread with the name of each key that is pressed."""


@runtime_checkable
class Confirmed(Protocol):
    """A sink of which only the first frames tell whether it works: a stream to a server."""

    @property
    def is_confirmed(self) -> bool:
        """Whether it is known to work."""
        ...


@runtime_checkable
class Addressed(Protocol):
    """A sink that is looked at under an address."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """This computer's own first; known while it is open; secret."""
        ...


@runtime_checkable
class Connected(Protocol):
    """A sink at the end of a line that may break and comes back by itself."""

    on_line: Callable[[str | None], None] | None
    """Called, by any thread, with why the line is away and with None when it is back."""
