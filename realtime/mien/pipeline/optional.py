"""A part of a stage that may be left out under load."""

from collections.abc import Generator
from contextlib import contextmanager

from mien.pipeline.metrics import Histogram


class Part:
    """Switched by one thread, asked and measured by its stage's thread. Has state: on or off, and its times."""

    def __init__(self, name: str) -> None:
        """Name it as a sentence begins: 'The grain'."""
        self.name = name
        self._is_on = True
        self._times = Histogram()

    @property
    def is_on(self) -> bool:
        """Whether the stage shall do it; ask once per frame."""
        return self._is_on

    @property
    def cost_ms(self) -> float | None:
        """The median of its last times; None before the first."""
        return self._times.recent_median_ms

    def switch(self, *, on: bool) -> None:
        """Do it, or leave it out, from the next frame on."""
        self._is_on = on

    @contextmanager
    def measured(self) -> Generator[None, None, None]:
        """Measure the block, which does the part for a frame, or for one of its faces."""
        with self._times.measure():
            yield
