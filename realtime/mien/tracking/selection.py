"""Which of the followed faces are swapped, and which source face each of them gets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from mien.config.choices import ChooseMode
from mien_models.types import BgrU8, Face

PATIENCE_S: Final = 2.0
"""How long a chosen face is waited for; as long as a lost face keeps its id."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The faces of one frame that are swapped."""

    faces: tuple[Face, ...] = ()
    roles: tuple[int, ...] = ()
    """For each of them, which of the source faces it gets, from 0."""

    @staticmethod
    def of(faces: Sequence[Face]) -> "Choice":
        """Give them all the first of the source faces."""
        return Choice(tuple(faces), (0,) * len(faces))


class Chooser(Protocol):
    """Chooses the faces to be swapped, frame by frame; one thread calls it."""

    def __call__(self, image_bgr: BgrU8, faces: Sequence[Face], captured_ns: int, *, shot: int = 0) -> Choice:
        """Choose among the faces of one frame of a shot; frames come in the order of their capture times."""
        ...


def choose_all(image_bgr: BgrU8, faces: Sequence[Face], captured_ns: int, *, shot: int = 0) -> Choice:  # noqa: ARG001  # a Chooser
    """Choose every face."""
    return Choice.of(faces)


class StickyOne:
    """Chooses one face and stays with its id; keeps that id, when it was last seen and in which shot.

    A poster behind the user is not taken while the user looks away: nothing is chosen until the chosen face has been
    gone for `patience_s`. Only then one of those that are there is chosen anew; after a cut, which it cannot come back
    over, at once.
    """

    def __init__(self, rank: Callable[[Face], float], patience_s: float = PATIENCE_S) -> None:
        """Take what is to be greatest of the chosen face, in a frame that has none yet."""
        self._rank = rank
        self._patience_ns = round(patience_s * 1e9)
        self._id: int | None = None
        self._seen_ns = 0
        self._shot = 0

    def __call__(self, image_bgr: BgrU8, faces: Sequence[Face], captured_ns: int, *, shot: int = 0) -> Choice:  # noqa: ARG002
        """Choose the face that was chosen, or nothing while it is waited for."""
        is_there = any(face.id == self._id for face in faces)
        is_given_up = shot != self._shot or captured_ns - self._seen_ns >= self._patience_ns
        if self._id is None or (is_given_up and not is_there):
            best = max(faces, key=self._rank, default=None)
            self._id = None if best is None else best.id
        self._shot = shot
        chosen = tuple(face for face in faces if face.id == self._id)
        if chosen:
            self._seen_ns = captured_ns
        return Choice.of(chosen)


def width_of(face: Face) -> float:
    """Rank faces by their size."""
    return face.width_px


def leftness_of(face: Face) -> float:
    """Rank faces by how far left they are in the picture."""
    return -float(face.box_xyxy[0] + face.box_xyxy[2]) / 2


def make_chooser(mode: ChooseMode) -> Chooser:
    """Make a chooser that has chosen nothing yet."""
    if mode is ChooseMode.ALL:
        return choose_all
    return StickyOne(rank_of(mode))


def rank_of(mode: ChooseMode) -> Callable[[Face], float]:
    """Give what is greatest of the one face that a mode chooses."""
    return leftness_of if mode is ChooseMode.LEFTMOST else width_of
