"""Faces that were lost a moment ago, so that they get their ids back."""

import math
from dataclasses import dataclass
from typing import Final

from mien.tracking.appearance import Appearance
from mien.tracking.landmark_fit import LandmarkFit
from mien.tracking.settings import TrackerSettings
from mien.tracking.track import Snapshot, Track
from mien_models.geometry.crop import Region

_STRAIGHT_ON_S: Final = 0.5
"""For how long an unseen head is taken to go on as it went: past another one, not out of the room."""


@dataclass(frozen=True, slots=True, eq=False)
class LostFace:
    """What is kept of a face that was lost."""

    id: int
    lost_ns: int
    shot: int
    """Of the film: a face comes back into the shot that it was lost in, and into no other."""
    last: Snapshot

    def view(self, captured_ns: int) -> Region:
        """Give the place to look for it: around where it went, wider with time."""
        missing_s = (captured_ns - self.last.motion.captured_ns) * 1e-9
        return self.last.motion.at(captured_ns, _STRAIGHT_ON_S).scaled(1.5 + min(missing_s, 1.0))


class Memory:
    """Remembers lost faces for a while."""

    def __init__(self, settings: TrackerSettings) -> None:
        self._settings = settings
        self._lost: list[LostFace] = []
        self._turn = 0

    def keep(self, track: Track, captured_ns: int, shot: int) -> None:
        """Remember a face that is no longer followed."""
        self._lost.append(LostFace(track.id, captured_ns, shot, track.alone))

    def forget_old(self, captured_ns: int) -> None:
        """Drop those whose time is over."""
        oldest_ns = captured_ns - int(self._settings.remember_s * 1e9)
        self._lost = [lost for lost in self._lost if lost.lost_ns >= oldest_ns]

    def next_view(self, captured_ns: int, shot: int) -> Region | None:
        """Give the place of one lost face to look at, each in its turn; None when none is missing."""
        missing = [lost for lost in self._lost if lost.shot == shot]
        if not missing:
            return None
        self._turn += 1
        return missing[self._turn % len(missing)].view(captured_ns)

    def recall(self, landmark_fit: LandmarkFit, look: Appearance, captured_ns: int, shot: int) -> int | None:
        """Take out the lost face that this can be, the likeliest first, and give its id."""
        costs = [(self._cost(lost, landmark_fit, look, captured_ns), lost) for lost in self._lost if lost.shot == shot]
        cost, best = min(costs, key=lambda pair: pair[0], default=(math.inf, None))
        if best is None or cost > 1.0:
            return None
        self._lost.remove(best)
        return best.id

    def _cost(self, lost: LostFace, landmark_fit: LandmarkFit, look: Appearance, captured_ns: int) -> float:
        """Give the distance in parts of what a head can go in this time; infinite when size or look do not fit."""
        missing_s = (captured_ns - lost.last.motion.captured_ns) * 1e-9
        growth = abs(math.log(landmark_fit.size_px / lost.last.size_px))
        if (
            growth > math.log(self._settings.max_growth)
            or lost.last.look.similarity(look) < self._settings.min_return_similarity
        ):
            return math.inf
        reach = (self._settings.max_jump + self._settings.return_speed * missing_s) * lost.last.size_px
        return (
            math.dist(lost.last.motion.at(captured_ns, _STRAIGHT_ON_S).centre_xy, landmark_fit.region.centre_xy) / reach
        )
