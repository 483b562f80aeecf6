"""Keeps the newest picture as a .npy file."""

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.sinks.registry import SinkPlugin


class LastPicture:
    """Writes over its file with every frame."""

    def __init__(self, target: str, output: OutputFormat) -> None:
        self._path, self._output = Path(target), output

    @property
    def description(self) -> str:
        """One line for people."""
        return f"the last picture, in {self._path.name}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def write(self, frame: OutputFrame) -> None:
        """Write it."""
        self._output.check(frame)
        np.save(self._path, frame.image)


PLUGIN: Final = SinkPlugin(make=LastPicture, help="the newest picture", target="PATH.npy", writes_target=True)
