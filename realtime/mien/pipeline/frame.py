"""The frame on its way from a source to the sinks: captured, sent, and what all that go out have in common."""

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Final

import numpy as np

from mien.provenance.release import ReleasedPicture, SwappedPicture
from mien_models.types import BgrU8, Face, SwappedFace

UNNUMBERED: Final = -1
"""The index of a frame that has only left its source: a source does not know which of a run's frames its own are."""
_AGE_AT_FIRST_NS: Final = 300_000_000.0
"""Cards before the first frame are stamped so far back, else the first frames would have to be stamped too late."""
_AGE_OVER: Final = 8
"""Frames over which their age is averaged: what is sent in between is stamped as if it had come the same way."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame and what is known of it. Stages return a new frame (`dataclasses.replace`), never write into one."""

    image: BgrU8
    """(height, width, 3) as captured; nobody writes into it after the source has handed it over."""
    index: int
    """Counts the run's frames from 0; a gap is a counted drop. `UNNUMBERED` until whoever runs the stages gives it."""
    captured_ns: int
    """`time.monotonic_ns()` when the frame left the source; for files, the presentation time from the file's start."""
    faces: tuple[Face, ...] = ()
    """Every face followed in this frame."""
    chosen: tuple[Face, ...] = ()
    """Those of `faces` that are to be swapped."""
    roles: tuple[int, ...] = ()
    """For each of `chosen`, which of the source faces it gets, from 0."""
    swapped: tuple[SwappedFace, ...] = ()
    composed: SwappedPicture | None = None
    """The picture with every swapped face in place; None while nothing was swapped."""
    released: ReleasedPicture | None = None
    """The composed picture with its marks, once a stage has put them on."""
    dissolve_share: float | None = None
    """Where a film fades from one shot into the next: the share of the one that comes, 0..1; None outside of that."""
    is_done_elsewhere: bool = False
    """Whether another machine has looked for faces and swapped those it found; nothing of that is done here again."""
    source_number: int = 0
    """Which of the run's sources it is from, counted from 0: what was learned of another camera's pictures is void."""
    shot: int = 0
    """Counts cuts, once faces were looked for."""

    def __post_init__(self) -> None:
        """Refuse anything that is not a BGR picture of 8 bits."""
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise ValueError(f"image must be (h, w, 3) uint8, got {self.image.shape} {self.image.dtype}")

    @property
    def outgoing(self) -> ReleasedPicture:
        """What may be written of this frame: the marked picture, or the frame as it is where nothing was swapped.

        Raises:
            ValueError: it was swapped and not marked, a mistake of the program.
        """
        if self.composed is None:
            return ReleasedPicture.unswapped(self.image)
        if self.released is None:
            raise ValueError(f"frame {self.index} was swapped and carries no mark: expected a MarkStage as the last")
        return self.released

    def __repr__(self) -> str:
        """Show shapes, not megabytes."""
        height, width = self.image.shape[:2]
        return f"Frame({self.index}, {width}x{height}, faces={len(self.faces)}, swapped={len(self.swapped)})"


class State(Enum):
    """What the live program is able to show."""

    LIVE = "live"
    """A face is swapped."""
    LOST = "lost"
    """No face, or not sure of one."""
    PRIVACY = "privacy"
    """The user pressed the panic key."""
    FAULT = "fault"
    """A camera or a model is gone."""
    REVEALED = "revealed"
    """The user shows the camera's own picture for three seconds, on purpose."""


@dataclass(frozen=True, slots=True, eq=False)
class OutputFrame:
    """One frame as every sink gets it: of the session's fixed size, safe to show."""

    picture: ReleasedPicture
    """Nothing else can be sent: a picture with a swapped face has been marked by the time it is of this type."""
    index: int
    """Counts frames that were sent out, from 0."""
    captured_ns: int
    """As in the `TrackedImage` that it was made of; for a card, when the card was made."""
    state: State
    shown_ns: int | None = None
    """For a card and a picture that is sent again: when what is sent now was captured; None: `captured_ns`."""

    @property
    def time_ns(self) -> int:
        """When it belongs to in a recording or stream, on the clock of the sound."""
        return self.captured_ns if self.shown_ns is None else self.shown_ns

    @property
    def image(self) -> BgrU8:
        """(height, width, 3); a sink may read it until `write` returns and never writes into it."""
        return self.picture.image_bgr


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


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """What every frame of a session looks like; fixed before the first one."""

    width: int
    """Even number of pixels."""
    height: int
    """Even number of pixels."""
    fps: Fraction

    def check(self, frame: OutputFrame) -> None:
        """Refuse what has not passed the marks, or has another size; either is a mistake of the program.

        Raises:
            TypeError: it is no OutputFrame with a released picture.
            ValueError: it has another size: outputs cannot change theirs midway.
        """
        if type(frame) is not OutputFrame or type(frame.picture) is not ReleasedPicture:
            raise TypeError(
                "expected an OutputFrame with a ReleasedPicture, which only the marks make of a swapped one"
            )
        height, width = frame.image.shape[:2]
        if (width, height) != (self.width, self.height):
            raise ValueError(f"expected frames of {self.width}x{self.height}, got {width}x{height}")
