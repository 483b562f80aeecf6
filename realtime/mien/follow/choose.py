"""Which of the followed faces are swapped."""

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from mien_models.faces import Face


class ChooseMode(Enum):
    """What the user can ask for."""

    LARGEST = "largest"
    """One face: the largest, and then the same one for as long as it is there."""
    ALL = "all"
    """Every face."""


class Chooser(Protocol):
    """Picks the faces to be swapped, frame by frame."""

    def __call__(self, faces: Sequence[Face], captured_ns: int) -> tuple[Face, ...]:
        """Pick among the faces of one frame; frames come in the order of their capture times."""
        ...


def choose_all(faces: Sequence[Face], captured_ns: int) -> tuple[Face, ...]:  # noqa: ARG001  # a Chooser
    """Pick every face."""
    return tuple(faces)


class StickyLargest:
    """Picks the largest face and stays with its id; keeps that id and when it was last seen.

    A poster behind the user is not taken while the user looks away: nothing is picked until the chosen face has been
    gone for `patience_s`. Only then the largest face that is there is chosen anew.
    """

    def __init__(self, patience_s: float = 2.0) -> None:
        self._patience_ns = round(patience_s * 1e9)
        self._id: int | None = None
        self._seen_ns = 0

    def __call__(self, faces: Sequence[Face], captured_ns: int) -> tuple[Face, ...]:
        """Pick the chosen face, or nothing while it is waited for."""
        if self._id is None or captured_ns - self._seen_ns >= self._patience_ns:
            largest = max(faces, key=lambda face: face.width_px, default=None)
            self._id = None if largest is None else largest.id
        chosen = tuple(face for face in faces if face.id == self._id)
        if chosen:
            self._seen_ns = captured_ns
        return chosen


def make_chooser(mode: ChooseMode) -> Chooser:
    """Make a chooser that has chosen nothing yet."""
    return StickyLargest() if mode is ChooseMode.LARGEST else choose_all
