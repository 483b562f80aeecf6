"""The last stage of a file's way: the marks, on every frame that carries a swapped face."""

from dataclasses import replace

from mien.pipeline.frame import Frame
from mien.pipeline.report import MARK
from mien.provenance.marks import Marks


class MarkStage:
    """Fills `released` of a frame with a swapped face; any other passes untouched. Its marks keep state.

    Files only: a live run's pictures are marked in the size of its sinks, after their letterbox, by `mien.pipeline.live.output`.
    """

    name = MARK

    def __init__(self, marks: Marks) -> None:
        """Take the marks of the session."""
        self._marks = marks

    def __call__(self, packet: Frame) -> Frame:
        """Mark the composed picture with the pattern of the frame's time in its file."""
        if packet.composed is None:
            return packet
        return replace(packet, released=self._marks.release(packet.composed, packet.captured_ns))
