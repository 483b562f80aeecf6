"""An output frame on its way to the sinks, and the times that it is stamped with."""

from dataclasses import dataclass
from typing import Final

from mien.pipeline.frame import Frame, OutputFrame
from mien.provenance.release import ReleasedPicture, SwappedPicture

_AGE_AT_FIRST_NS: Final = 300_000_000.0
"""Cards before the first frame are stamped so far back, else the first frames would have to be stamped too late."""
_AGE_OVER: Final = 8
"""Frames over which their age is averaged: what is sent in between is stamped as if it had come the same way."""


@dataclass(frozen=True, slots=True, eq=False)
class Outgoing:
    """An output frame on its way to the sinks."""

    frame: OutputFrame
    born_ns: int | None
    """`captured_ns` of the captured frame that it carries or stands for; None for a repeat, which has no age."""


class Stamps:
    """Says when what is sent was captured, and for when it is shown. Has state: how old frames usually are."""

    def __init__(self) -> None:
        self._age_ns = _AGE_AT_FIRST_NS

    def of(self, frame: Frame | None, again: OutputFrame | None, now_ns: int) -> tuple[int, int]:
        """Give `captured_ns` and `shown_ns` of what goes out now.

        Args:
            frame: the captured frame that it carries; None where it stands in for one.
            again: what was sent last, where the same picture is sent once more.
            now_ns: `time.monotonic_ns()`.
        """
        if frame is None:
            captured_ns = now_ns if again is None else again.captured_ns
            return captured_ns, now_ns - round(self._age_ns)
        self._age_ns += (now_ns - frame.captured_ns - self._age_ns) / _AGE_OVER
        return frame.captured_ns if again is None else again.captured_ns, frame.captured_ns


def unmarked(_picture: SwappedPicture, _at_ns: int) -> ReleasedPicture:
    """Refuse: stands in until the stage that marks is there."""
    raise TypeError("a swapped picture came before the stage that marks it: it has to be the last of `Prepared.stages`")
