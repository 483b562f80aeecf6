"""Swallows every frame: for measuring, and for trying things out unseen."""

from types import TracebackType
from typing import Final, Self

from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.sinks.registry import SinkPlugin
from mien.sinks.virtual_camera import how_to_install
from mien_models.plugins import Usual


class NullSink:
    """Checks a frame's size and forgets the frame."""

    def __init__(self, target: str, output: OutputFormat) -> None:  # noqa: ARG002 - the contract
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


PLUGIN: Final = SinkPlugin(
    make=NullSink,
    help="nowhere, for measuring",
    use=None,
    usual=Usual(
        3,
        lambda: "null",
        lambda: (
            "No virtual camera was found and there is no display, so nobody sees the picture: --sink file:out.mp4 "
            f"records it. {how_to_install()}"
        ),
    ),
)
