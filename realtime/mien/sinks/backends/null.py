"""Swallows every frame: for measuring, and for looking at the panel only."""

from types import TracebackType
from typing import Final, Self

from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.sinks.plugin import SinkPlugin
from mien_models.errors import UsageError


class NullSink:
    """Checks a frame's size and forgets the frame."""

    def __init__(self, target: str, output: OutputFormat) -> None:
        if target:
            raise UsageError(f"The sink 'null' writes nowhere, got the target {target!r}. Give --sink null.")
        self._output = output

    @property
    def description(self) -> str:
        """One line for people."""
        return "nowhere"

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""

    def write(self, frame: OutputFrame) -> None:
        """Forget `frame`."""
        self._output.check(frame)


PLUGIN: Final = SinkPlugin(NullSink, "nowhere, for measuring", use=None)
