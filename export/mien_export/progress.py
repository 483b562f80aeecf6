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


def silent(_text: str, _share: float | None = None, /) -> None:
    """Say nothing."""


class Steps:
    """Counts the steps of one part of the whole: 'proving, 3 of 18: black'."""

    def __init__(self, progress: Progress, part: str, count: int, *, done: int = 0) -> None:
        self._progress, self._part, self._count, self._done = progress, part, count, done

    def begin(self, text: str) -> None:
        """Say what is done next; what was said before is done."""
        share = min(1.0, self._done / max(1, self._count))
        self._done += 1
        self._progress(f"{self._part}, {min(self._done, self._count)} of {self._count}: {text}", share)

    def also(self, text: str) -> None:
        """Say what is done next and was not counted on."""
        self._progress(f"{self._part}, in addition: {text}", min(1.0, self._done / max(1, self._count)))
