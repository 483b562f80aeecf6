"""MediaPipe's two networks for hands: one finds palms, the other places the joints of one hand.

From frame to frame a hand is followed by its own joints; palms are searched only where none is followed.
"""

import math
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.geometry.crop import NetworkInput, Region, cut_patch
from mien_models.interfaces import Detector, FaceRegion, Session
from mien_models.specs.manifest import Manifest
from mien_models.types import BgrU8, DetectedFace, PointsF32

JOINTS: Final = 21
WRIST: Final = 0
KNUCKLES: Final = (5, 9, 13, 17)
"""Where the fingers begin, from the forefinger to the little one."""
_ACROSS: Final = (5, 13, 9)
"""The direction of a hand is that from its wrist to the middle between the first two's middle and the third."""
_STEADY: Final = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)
"""The joints that a hand's square is made of: finger tips move it too much."""
_PALM: Final = (2.6, 0.5)
"""A hand's square in sides of its palm's box, and how far it is moved towards the fingers in the same measure."""
_HAND: Final = (2.0, 0.1)
"""The same for a square around joints."""
_DEPTH: Final = 0.4
"""The network gives depth in so many times the unit of the other two (mediapipe: normalize_z)."""
_FROM_EDGE: Final = np.array([0.5, 0.5, 0.0], np.float32)
"""The network counts from the edge of the first pixel, patches from its centre."""


class Hands:
    """Finds hands and places their joints; keeps its input buffers between calls, so one thread at a time calls it."""

    def __init__(self, palms: Detector, manifest: Manifest, session: Session) -> None:
        """Take a detector of palms and a session that runs the weights that place joints.

        Raises:
            ModelError: the outputs are not those of the network for joints.
        """
        if [math.prod(o.shape) for o in manifest.outputs[:2]] != [JOINTS * 3, 1]:
            raise ModelError(f"{manifest.name!r} should have the outputs of a hand's joints; correct its manifest.")
        self._palms = palms
        self._session = session
        self._input = NetworkInput(manifest.input)
        self._points_name, self._score_name = (o.name for o in manifest.outputs[:2])

    def find(self, image_bgr: BgrU8, region: FaceRegion | None = None, *, min_score: float = 0.5) -> Sequence[Region]:
        """Find hands in the picture or in one upright region of it, best first: the squares to place joints in."""
        return [_around_palm(palm) for palm in self._palms.detect(image_bgr, min_score=min_score, region=region)]

    def joints(self, image_bgr: BgrU8, region: FaceRegion) -> tuple[PointsF32, float]:
        """Place (21, 3) joints in pixels of the picture, and say how sure it is of a hand, 0..1.

        The wrist comes first, then four joints of each finger, from the thumb on, from the palm to the tip. z is in the
        same unit, smaller towards the camera, 0 at the wrist.
        """
        patch = cut_patch(image_bgr, region, self._input.size_px, border=cv2.BORDER_REPLICATE)
        outputs = self._session.run(self._input.feed(patch.image_bgr))
        points = outputs[self._points_name].reshape(JOINTS, 3) - _FROM_EDGE
        placed = np.empty((JOINTS, 3), np.float32)
        placed[:, :2] = patch.points_in_frame(points[:, :2])
        placed[:, 2] = points[:, 2] * patch.scale / _DEPTH
        return placed, float(outputs[self._score_name].reshape(-1)[0])


def region_of(joints: PointsF32) -> Region:
    """Give the square in which the hand with these joints, (21, 3), is looked for in the next frame."""
    xy = joints[:, :2].astype(np.float64)
    first, last, middle = (xy[index] for index in _ACROSS)
    towards = ((first + last) / 2 + middle) / 2
    return _square(xy[list(_STEADY)], _roll(xy[WRIST], towards), _HAND)


def _around_palm(palm: DetectedFace) -> Region:
    left, top, right, bottom = (float(edge) for edge in palm.box_xyxy)
    wrist, _, knuckle = palm.keypoints[:3].astype(np.float64)
    corners = np.array([[left, top], [right, bottom]])
    roll = _roll(wrist, knuckle)
    side, moved = max(right - left, bottom - top), _PALM[1]
    middle = corners.mean(axis=0) + _upwards(roll) * side * moved
    return Region((float(middle[0]), float(middle[1])), side * _PALM[0], roll)


def _square(xy: NDArray[np.float64], roll_rad: float, wider_and_moved: tuple[float, float]) -> Region:
    wider, moved = wider_and_moved
    up = _upwards(roll_rad)
    across = np.array([-up[1], up[0]])
    along = np.stack([xy @ across, xy @ -up], axis=1)
    first, last = along.min(axis=0), along.max(axis=0)
    side = float((last - first).max())
    right, down = (first + last) / 2
    middle = right * across - down * up + up * float(last[1] - first[1]) * moved
    return Region((float(middle[0]), float(middle[1])), side * wider, roll_rad)


def _roll(wrist: NDArray[np.float64], towards: NDArray[np.float64]) -> float:
    """Say how far a hand is turned, clockwise, from pointing upwards."""
    x, y = (towards - wrist).tolist()
    return math.atan2(x, -y)


def _upwards(roll_rad: float) -> NDArray[np.float64]:
    return np.array([math.sin(roll_rad), -math.cos(roll_rad)])
