"""The last stage: the marks, on every frame that carries a swapped face."""

from dataclasses import replace

from mien.pipeline.frame import Frame
from mien.pipeline.report import MARK
from mien.provenance.marks import Marks
from mien.provenance.release import ReleasedPicture, SwappedPicture


class MarkStage:
    """Fills `released` of a frame with a swapped face; any other passes untouched. Its marks keep state.

    In a live run pictures are marked at the moment they are sent, by `release`: that is after letterbox and crossfade,
    in the size of the sinks.
    """

    name = MARK

    def __init__(self, marks: Marks) -> None:
        """Take the marks of the session."""
        self._marks = marks

    def __call__(self, packet: Frame) -> Frame:
        """Mark the composed picture with the pattern of the frame's time in its file."""
        if packet.composed is None:
            return packet
        return replace(packet, released=self.release(packet.composed, packet.captured_ns))

    def release(self, picture: SwappedPicture, at_ns: int) -> ReleasedPicture:
        """Mark a picture that goes out at a time of a clock that runs evenly through the session."""
        return self._marks.release(picture, at_ns)
