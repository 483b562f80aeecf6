"""What sources that decode a stream have in common: what is open between enter and exit."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import SourceInfo


class DecodedSource(ABC):
    """A source whose frames come from an iterator that opening gives; keeps what was opened until exit."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._info: SourceInfo | None = None
        self._frames: Iterator[Frame] = iter(())

    @property
    def info(self) -> SourceInfo:
        """What was found on opening; the size is that of the first frame."""
        if self._info is None:
            raise RuntimeError("info is known between enter and exit")
        return self._info

    def __enter__(self) -> Self:
        """Open it and decode its first frame.

        Raises:
            SourceError: it cannot be opened or holds no picture.
        """
        try:
            self._info, first, rest = self._begin(self._stack)
        except BaseException:
            self._stack.close()
            raise
        self._frames = _after(first, rest)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._frames = iter(())
        self._info = None
        self._stack.close()

    @abstractmethod
    def _begin(self, stack: ExitStack) -> tuple[SourceInfo, Frame, Iterator[Frame]]:
        """Open it on the stack; give what was found, the first frame and the rest."""


def _after(first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from rest
