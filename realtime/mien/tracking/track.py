"""One followed face: where it was, how it moves, what it looks like; and those that were lost a moment ago."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.tracking.geometry import TrackedImage, box_xyxy, head_pose
from mien.tracking.landmark_filter import LandmarkFilter
from mien.tracking.landmark_fit import LandmarkFit
from mien.tracking.settings import TrackerSettings
from mien_models.geometry.crop import Region, cut_patch
from mien_models.types import BgrU8, Face

_SIZE_PX: Final = 16
_SAMPLES_PER_PIXEL: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """The face with its hair, upright, as 16 x 16 brightnesses without their mean, of length 1."""

    values: NDArray[np.float32]

    @staticmethod
    def of(image_bgr: BgrU8, region: Region) -> "Appearance":
        """Look at one region of a picture."""
        patch = cut_patch(*_thinned(image_bgr, region), _SIZE_PX).image_bgr
        grey = patch.astype(np.float32).sum(axis=2).ravel()
        grey -= grey.mean()
        return Appearance(grey / max(float(np.linalg.norm(grey)), 1e-6))

    def similarity(self, other: "Appearance") -> float:
        """Correlation, -1..1.

        Measured on real clips: one person from one frame to the next at least 0.89, 20 frames apart at least 0.71;
        two people 0.38 in the middle, and above 0.72 for one pair in ten.
        """
        return float((self.values * other.values).sum())


def _thinned(image_bgr: BgrU8, region: Region) -> tuple[BgrU8, Region]:
    """Leave pixels out of the surroundings of a large region: what is wanted is a glance, and fast."""
    step = int(region.side_px / (_SAMPLES_PER_PIXEL * _SIZE_PX))
    if step < 2:
        return image_bgr, region
    height, width = image_bgr.shape[:2]
    (x, y), reach = region.centre_xy, int(region.side_px)
    left, top = max(0, min(int(x) - reach, width - 1)), max(0, min(int(y) - reach, height - 1))
    part = np.ascontiguousarray(image_bgr[top : int(y) + reach : step, left : int(x) + reach : step])
    return part, Region(((x - left) / step, (y - top) / step), region.side_px / step, region.roll_rad)


_NEWEST_SHARE: Final = 0.6
"""Share of the newest step in the speed: heads turn around within a few frames."""
_LONGEST_STEP_S: Final = 0.2
"""A speed says nothing about where a face is later than this."""


@dataclass(frozen=True, slots=True)
class Motion:
    """Where a face's region was at a time, and how it moved."""

    region: Region
    captured_ns: int
    speed_xy: tuple[float, float] = (0.0, 0.0)
    """Pixels a second."""

    def at(self, captured_ns: int, longest_s: float = _LONGEST_STEP_S) -> Region:
        """Say where the region will be if the face goes on like this, for `longest_s` at most."""
        step_s = max(0.0, min((captured_ns - self.captured_ns) * 1e-9, longest_s))
        x, y = self.region.centre_xy
        centre = (x + self.speed_xy[0] * step_s, y + self.speed_xy[1] * step_s)
        return Region(centre, self.region.side_px, self.region.roll_rad)

    def then(self, region: Region, captured_ns: int) -> "Motion":
        """Take in the next place."""
        elapsed_s = (captured_ns - self.captured_ns) * 1e-9
        if not 0 < elapsed_s <= _LONGEST_STEP_S:
            return Motion(region, captured_ns)
        steps = [new - old for new, old in zip(region.centre_xy, self.region.centre_xy, strict=True)]
        x, y = (old + _NEWEST_SHARE * (step / elapsed_s - old) for step, old in zip(steps, self.speed_xy, strict=True))
        return Motion(region, captured_ns, (x, y))


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What is known of a face at one time."""

    motion: Motion
    size_px: float
    look: Appearance


class Track:
    """One face that is followed; keeps its last landmark fit, motion and look, and what steadies it."""

    def __init__(
        self, face_id: int, frame: TrackedImage, landmark_fit: LandmarkFit, look: Appearance, settings: TrackerSettings
    ) -> None:
        """Begin with the frame in which a face was first seen."""
        self.id: Final = face_id
        self.landmark_fit = landmark_fit
        self.look = look
        self.motion = Motion(landmark_fit.region, frame.captured_ns)
        self.alone = self.now
        """As it was when no other face was near: in a crossing, landmarks slide onto the face in front."""
        self.surprise = 0.0
        """How far the face was from where it was expected, in face sizes; fades within some frames."""
        self.checked_ns = frame.captured_ns
        self.doubts = 0
        self._settings = settings
        self._landmark_filter = LandmarkFilter(settings.landmark_filter)
        self.face = self._as_face(frame)

    @property
    def now(self) -> Snapshot:
        """What is known of it in this frame."""
        return Snapshot(self.motion, self.landmark_fit.size_px, self.look)

    def can_be(self, landmark_fit: LandmarkFit, look: Appearance, captured_ns: int, *, is_cut: bool = False) -> bool:
        """Tell whether what was seen now is this face: near where it was expected, of its size, looking like it.

        `is_cut` says that the picture has become another one, in which the next person may well sit in the same place.
        """
        least = self._settings.min_cut_similarity if is_cut else self._settings.min_similarity
        growth = landmark_fit.size_px / self.landmark_fit.size_px
        return (
            self._distance(landmark_fit, captured_ns) < self._settings.max_jump
            and 1 / self._settings.max_growth < growth < self._settings.max_growth
            and self.look.similarity(look) > least
        )

    def take(self, frame: TrackedImage, landmark_fit: LandmarkFit, look: Appearance) -> None:
        """Go on with what was seen in this frame."""
        self.surprise = max(self._distance(landmark_fit, frame.captured_ns), 0.8 * self.surprise)
        self.motion = self.motion.then(landmark_fit.region, frame.captured_ns)
        self.landmark_fit, self.look = landmark_fit, look
        self.face = self._as_face(frame)

    def _distance(self, landmark_fit: LandmarkFit, captured_ns: int) -> float:
        expected = self.motion.at(captured_ns).centre_xy
        return math.dist(expected, landmark_fit.region.centre_xy) / self.landmark_fit.size_px

    def _as_face(self, frame: TrackedImage) -> Face:
        landmarks = self._landmark_filter(frame, self.landmark_fit)
        return Face(self.id, box_xyxy(landmarks), landmarks, head_pose(landmarks), self.landmark_fit.score)


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
