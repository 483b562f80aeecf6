"""One followed face: where it was, how it moves, how sure we are."""

import math
from dataclasses import dataclass
from typing import Final

from mien.tracking.appearance import Appearance
from mien.tracking.geometry import TrackedImage, box_xyxy, head_pose
from mien.tracking.landmark_filter import LandmarkFilter
from mien.tracking.landmark_fit import LandmarkFit
from mien.tracking.settings import TrackerSettings
from mien_models.geometry.crop import Region
from mien_models.types import Face

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
        self._steady = LandmarkFilter(settings.steady)
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
        landmarks = self._steady(frame, self.landmark_fit)
        return Face(self.id, box_xyxy(landmarks), landmarks, head_pose(landmarks), self.landmark_fit.score)
