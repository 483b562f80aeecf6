"""Which face of a film is swapped, known from what comes: nobody waits for one that does not come back."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from mien.tracking.selection import PATIENCE_S, Choice
from mien_models.types import Face


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
