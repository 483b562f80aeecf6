"""Where the picture took the points of a face from one frame to the next: pyramidal Lucas-Kanade on a small patch."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.tracking.landmark_fit import LandmarkFit
from mien_models.geometry.crop import cut_patch
from mien_models.geometry.face_mesh import face_topology
from mien_models.types import AffineF64, BgrU8, PointsF32, as_f32, as_u8

PATCH_PX: Final = 160
"""Side of the patch in which motion is seen; a face is 133 pixels of it."""
ZOOM: Final = 0.8
"""The patch's side in parts of the region that the landmark network looks at."""
LIGHT_PX: Final = 25
"""What is coarser than this in the patch is taken for light and left out: a lamp that goes on is no motion."""
WINDOW_PX: Final = 16
"""Side of the square around a point that has to be found again."""
STEPS: Final = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 8, 0.02)
"""The search ends after so many steps or with one shorter than this, in pixels of the patch."""
EVERY: Final = 3
"""One landmark in so many is looked for; the others go with their neighbours."""
ODD: Final = 0.03
"""Where picture and network differ by this, in face sizes, the picture shows a hand or a wrong find."""
REACH_CM: Final = (3.0, 0.8)
"""How far a find speaks for its neighbours on an average head (standard deviations): first widely, then closely."""
DOUBT: Final = 0.3
"""With finds of less weight than this around a point, it goes with the head."""
STILL: Final = 0.0003
"""Steps below this, in face sizes, are the noise of the search: a 25th of a pixel of the patch."""


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """A face in one frame."""

    patch: NDArray[np.uint8]
    """(PATCH_PX, PATCH_PX) brightness without light, 128 on average."""
    frame_from_patch: AffineF64
    landmarks: PointsF32
    """(468, 2) as the network placed them."""

    def in_patch(self, points: PointsF32) -> PointsF32:
        """Take (n, 2) points of the frame to the patch."""
        (a, b, c), (d, e, f) = cv2.invertAffineTransform(self.frame_from_patch)
        x, y = points[:, 0], points[:, 1]
        return as_f32(np.stack([a * x + b * y + c, d * x + e * y + f], axis=1))


class Carrier:
    """Moves one face's points along with the picture; keeps the last frame's patch.

    Both patches are cut where the network saw the face, and a point is looked for where the head took it, by the
    network's landmarks. What is left to be found is small at any speed, turn or growth, and where nothing is found the
    head's motion holds.
    """

    def __init__(self, image_bgr: BgrU8, landmark_fit: LandmarkFit) -> None:
        """Begin with a face's first frame."""
        self._last = _look(image_bgr, landmark_fit)

    def __call__(self, image_bgr: BgrU8, landmark_fit: LandmarkFit, placed: PointsF32) -> PointsF32:
        """Take (468, 2) points of the last frame to this one.

        Args:
            image_bgr: the next frame.
            landmark_fit: what the network saw in it.
            placed: where the points lay in the last frame, near the network's landmarks, in its pixels.
        """
        last, now = self._last, _look(image_bgr, landmark_fit)
        self._last = now
        expected = _head_moved(last.landmarks, now.landmarks, placed)
        moved, weight = _found(last, now, placed[::EVERY], expected[::EVERY])
        height, width = image_bgr.shape[:2]
        x, y = expected[::EVERY, 0], expected[::EVERY, 1]
        weight *= (x >= 0) & (x < width) & (y >= 0) & (y < height)
        weight *= np.exp(-np.square(moved).sum(axis=1) / (ODD * landmark_fit.size_px) ** 2)
        step = expected + _spread(moved, weight) - placed
        parts = np.square(step).sum(axis=1, keepdims=True) / (STILL * landmark_fit.size_px) ** 2
        return as_f32(placed + step * (parts / (1 + parts)))


def _look(image_bgr: BgrU8, landmark_fit: LandmarkFit) -> _View:
    patch = cut_patch(image_bgr, landmark_fit.region.scaled(ZOOM), PATCH_PX, border=cv2.BORDER_REPLICATE)
    grey = cv2.cvtColor(patch.image_bgr, cv2.COLOR_BGR2GRAY)
    without_light = cv2.addWeighted(grey, 1, cv2.blur(grey, (LIGHT_PX, LIGHT_PX)), -1, 128)
    return _View(as_u8(without_light), patch.frame_from_patch, landmark_fit.landmarks[:, :2])


def _head_moved(before: PointsF32, after: PointsF32, points: PointsF32) -> PointsF32:
    """Move (n, 2) points as the head moved, by the similarity that best takes before to after."""
    middle, target = before.mean(axis=0), after.mean(axis=0)
    (x, y), (to_x, to_y) = (before - middle).T, (after - target).T
    size = max(float((x * x + y * y).sum()), 1e-9)
    cos, sin = float((x * to_x + y * to_y).sum()) / size, float((x * to_y - y * to_x).sum()) / size
    x, y = (points - middle).T
    return as_f32(np.stack([cos * x - sin * y + target[0], sin * x + cos * y + target[1]], axis=1))


def _found(
    last: _View, now: _View, placed: PointsF32, expected: PointsF32
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Look for points of the last view in this one: (n, 2) pixels of the frame off `expected`, and (n,) weights."""
    guesses = now.in_patch(expected)
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        last.patch,
        now.patch,
        last.in_patch(placed),
        guesses.copy(),
        winSize=(WINDOW_PX, WINDOW_PX),
        maxLevel=1,
        criteria=STEPS,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    off = as_f32(found) - guesses
    (a, b, _), (c, d, _) = now.frame_from_patch.astype(np.float32)
    moved = np.stack([a * off[:, 0] + b * off[:, 1], c * off[:, 0] + d * off[:, 1]], axis=1)
    return moved, as_f32(status[:, 0])


def _spread(moved: PointsF32, weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Let the points that were looked for say how all 468 moved: (468, 2), less where there is little weight around."""
    field = np.zeros((_spreads()[0].shape[0], 2), np.float32)
    for spread in _spreads():
        left = moved - field[::EVERY]
        # OpenCV's product: for so few numbers, BLAS spends longer waking its threads.
        sums = as_f32(cv2.gemm(spread, np.column_stack([left * weight[:, None], weight]), 1, np.empty(0), 0))
        field += sums[:, :2] / (sums[:, 2:] + DOUBT)
    return field


@cache
def _spreads() -> tuple[NDArray[np.float32], ...]:
    """How much each find (columns) has to say on each point (rows), for each reach."""
    points_cm = face_topology().canonical_cm
    squared_cm = np.square(points_cm[:, None] - points_cm[None, ::EVERY]).sum(axis=2)
    return tuple(as_f32(np.exp(-squared_cm / (2 * reach_cm**2))) for reach_cm in REACH_CM)
