"""Which of the followed faces are swapped, and which source face each of them gets."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, Protocol

from mien.config.choices import ChooseMode
from mien_models.errors import UsageError
from mien_models.types import BgrU8, Face

NOTHING: Final = "none"
"""Written in place of a face: this person is left as they are."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One person and the face they get."""

    person: str
    """A photo by which they are recognised."""
    face: str | None
    """A photo as `--face` takes it; None leaves them as they are."""


def parse_assignments(text: str) -> ChooseMode | tuple[Assignment, ...]:
    """Read 'largest', 'leftmost', 'all' or 'PERSON=FACE,PERSON=FACE'.

    Raises:
        UsageError: it is neither.
    """
    if "=" not in text:
        try:
            return ChooseMode(text)
        except ValueError:
            words = ", ".join(mode.value for mode in ChooseMode)
            raise UsageError(
                f"--assign should be one of {words}, or PERSON.jpg=FACE.jpg,OTHER.jpg=none; found {text!r}."
            ) from None
    found: list[Assignment] = []
    for part in text.split(","):
        person, separator, face = (piece.strip() for piece in part.partition("="))
        if not (person and separator and face):
            raise UsageError(f"--assign should be a list of PERSON.jpg=FACE.jpg, but one part of it is {part!r}.")
        found.append(Assignment(person, None if face == NOTHING else face))
    if all(assignment.face is None for assignment in found):
        raise UsageError("--assign should give a face to somebody, but everybody in it gets none.")
    return tuple(found)


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
    """Chooses the faces to be swapped, frame by frame; one thread at a time calls it."""

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


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """The faces of one frame."""

    faces: tuple[Face, ...]
    captured_ns: int
    shot: int

    def named(self, face_id: int | None) -> Face | None:
        """Give the face of that id."""
        return next((face for face in self.faces if face.id == face_id), None)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The face that is swapped in one shot."""

    id: int
    seen_ns: int
    passed_over: frozenset[int] | None = None
    """Of a stand-in for one that went away: who else was there. It gives way to a better one that comes later."""


class ForesightedOne:
    """Chooses one face of each shot and stays with it; keeps frames undecided until it is known how they go on.

    Where the chosen face is missing and others are seen, it depends on whether it comes back in the same shot within
    `patience_s`. If so, it is waited for, and a poster behind it stays a poster; if not, the best of the others stands
    in from the first frame on.
    """

    def __init__(self, rank: Callable[[Face], float], patience_s: float = PATIENCE_S) -> None:
        """Take what is to be greatest of the chosen face, in a shot that has none yet."""
        self._rank = rank
        self._patience_ns = round(patience_s * 1e9)
        self._waiting: deque[_Seen] = deque()
        self._chosen: dict[int, _Chosen] = {}

    def see(self, faces: Sequence[Face], captured_ns: int, shot: int) -> tuple[Choice, ...]:
        """Take in the next frame; give what is chosen in the oldest frames that were undecided, and now are not."""
        self._waiting.append(_Seen(tuple(faces), captured_ns, shot))
        return tuple(self._decided(hurries=False))

    def hurry(self) -> tuple[Choice, ...]:
        """Decide about every frame that is undecided, as if no other came."""
        return tuple(self._decided(hurries=True))

    def _decided(self, *, hurries: bool) -> Iterator[Choice]:
        while self._waiting:
            seen = self._waiting[0]
            chosen = self._chosen.get(seen.shot)
            if seen.faces and (chosen is None or seen.named(chosen.id) is None):
                comes_back = chosen is not None and self._comes_back(chosen)
                if comes_back is None and not hurries:
                    return
                if not comes_back:
                    self._choose(seen, chosen)
            yield self._choice(self._waiting.popleft())

    def _comes_back(self, chosen: _Chosen) -> bool | None:
        """Say whether a missing face is seen again in the frames at hand; None when later ones could tell."""
        shot, until_ns = self._waiting[0].shot, chosen.seen_ns + self._patience_ns
        ahead = tuple(takewhile(lambda seen: seen.shot == shot and seen.captured_ns < until_ns, self._waiting))
        if any(seen.named(chosen.id) for seen in ahead):
            return True
        return None if len(ahead) == len(self._waiting) else False

    def _choose(self, seen: _Seen, gone: _Chosen | None) -> None:
        best = max(seen.faces, key=self._rank)
        others = None if gone is None else frozenset(face.id for face in seen.faces)
        self._chosen[seen.shot] = _Chosen(best.id, seen.captured_ns, others)

    def _choice(self, seen: _Seen) -> Choice:
        chosen = self._chosen.get(seen.shot)
        face = None if chosen is None else seen.named(chosen.id)
        if chosen is None or face is None:
            return Choice()
        if chosen.passed_over is not None:
            newcomers = [face] + [other for other in seen.faces if other.id not in chosen.passed_over]
            face = max(newcomers, key=self._rank)
        self._chosen[seen.shot] = _Chosen(face.id, seen.captured_ns, chosen.passed_over)
        return Choice.of((face,))
