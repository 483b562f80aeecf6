"""How far something is that takes long: said in words, with the share that is done where it is known."""

from typing import Protocol


class Progress(Protocol):
    """Tells people what is done now."""

    def __call__(self, text: str, share: float | None = None, /) -> None:
        """Take what is done next, and how much of the whole is done, 0..1, where that is known."""
        ...


def tell(text: str, share: float | None = None, /) -> None:
    """Print it."""
    print(text if share is None else f"{text} ({share:.0%})")  # noqa: T201 - for a program without a command line


class Steps:
    """Counts steps of about the same length."""

    def __init__(self, progress: Progress, count: int, *, done: int = 0) -> None:
        self._progress, self._count, self._done = progress, count, done

    def begin(self, text: str) -> None:
        """Say what is done next; what was said before is done."""
        self._progress(text, min(1.0, self._done / max(1, self._count)))
        self._done += 1

    def also(self, text: str) -> None:
        """Say what is done next and was not counted on."""
        self._progress(text, min(1.0, self._done / max(1, self._count)))
