"""Landmarks that stay on the skin: carried along by the picture, set right by the network.

The network is right on average and trembles from frame to frame. The picture says to a fraction of a pixel how the skin
moved since the last frame, and wanders off over a second. So quick changes come from the picture and slow ones from the
network (a complementary filter): nothing trembles, and nothing lags however fast a head moves.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.tracking.geometry import TrackedImage
from mien.tracking.landmark_fit import LandmarkFit
from mien.tracking.one_euro import OneEuro
from mien.tracking.optical_flow import Carrier
from mien.tracking.settings import LandmarkFilterSettings
from mien_models.geometry.face_mesh import face_topology
from mien_models.geometry.face_regions import EYE_LEFT, EYE_RIGHT, LIPS_INNER, LIPS_OUTER
from mien_models.types import PointsF32, as_f32

LIPS: Final = (*LIPS_OUTER, *LIPS_INNER)
LIDS: Final = (*EYE_LEFT, *EYE_RIGHT)
_NEAR_CM: Final = 1.0
"""So far around lips and lids, on an average head, skin moves by itself."""


class LandmarkFilter:
    """Steadies one face's landmarks from frame to frame; keeps the last frame's patch, points and depths."""

    def __init__(self, settings: LandmarkFilterSettings) -> None:
        self._settings = settings
        self._depths = OneEuro(settings.depth)
        self._carrier: Carrier | None = None
        self._placed = np.zeros((0, 2), np.float32)
        self._captured_ns = 0

    def __call__(self, frame: TrackedImage, landmark_fit: LandmarkFit) -> PointsF32:
        """Give the (468, 3) landmarks of what the network saw in a frame."""
        elapsed_s, self._captured_ns = (frame.captured_ns - self._captured_ns) * 1e-9, frame.captured_ns
        if self._carrier is None or elapsed_s <= 0:
            self._carrier = Carrier(frame.image_bgr, landmark_fit)
            self._placed = landmark_fit.landmarks[:, :2]
        else:
            carried = self._carrier(frame.image_bgr, landmark_fit, self._placed)
            self._placed = self._set_right(carried, landmark_fit, elapsed_s)
        depths = self._depths(landmark_fit.landmarks[:, 2:], landmark_fit.size_px, frame.captured_ns)
        return np.concatenate([self._placed, depths], axis=1)

    def _set_right(self, carried: PointsF32, landmark_fit: LandmarkFit, elapsed_s: float) -> PointsF32:
        """Draw carried points to the network's."""
        settings = self._settings
        off = landmark_fit.landmarks[:, :2] - carried
        seconds = (settings.settling_s, settings.lips_settling_s, settings.lids_settling_s)
        skin, lips, lids = (1 - np.exp(-elapsed_s / s) for s in seconds)
        trust = skin + (lips - skin) * _near(LIPS) + (lids - skin) * _near(LIDS)
        distance = np.sqrt(np.square(off).sum(axis=1)) / landmark_fit.size_px
        begin, full = settings.agreement
        wrong = np.clip((distance - begin) / (full - begin), 0, 1)
        trust += (1 - trust) * wrong * wrong * (3 - 2 * wrong)
        return as_f32(carried + trust[:, None] * off)


@cache
def _near(parts: tuple[int, ...]) -> NDArray[np.float32]:
    """(468,) 1 on some points, 0 on skin that does not go with them."""
    points_cm = face_topology().canonical_cm
    distance_cm = np.linalg.norm(points_cm[:, None] - points_cm[None, list(parts)], axis=2).min(axis=1)
    return as_f32(np.clip(1 - distance_cm / _NEAR_CM, 0, 1))
