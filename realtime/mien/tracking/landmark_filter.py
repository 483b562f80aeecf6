"""Landmarks that stay on the skin: carried along by the picture, set right by the network.

The network is right on average and trembles from frame to frame. The picture says to a fraction of a pixel how the skin
moved since the last frame (pyramidal Lucas-Kanade on a small patch), and wanders off over a second. So quick changes
come from the picture and slow ones from the network (a complementary filter): nothing trembles, and nothing lags
however fast a head moves. Depth, of which a picture tells nothing, is smoothed by a One-Euro filter.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.tracking.geometry import TrackedImage
from mien.tracking.landmark_fit import LandmarkFit
from mien.tracking.settings import LandmarkFilterSettings, OneEuroSettings
from mien_models.geometry.crop import cut_patch
from mien_models.geometry.face_mesh import face_topology
from mien_models.geometry.face_regions import EYE_LEFT, EYE_RIGHT, LIPS_INNER, LIPS_OUTER
from mien_models.types import AffineF64, BgrU8, PointsF32, as_f32, as_u8


class OneEuro:
    """Smooths one face's landmarks from frame to frame; keeps the last ones and their speeds."""

    def __init__(self, settings: OneEuroSettings) -> None:
        self._settings = settings
        self._points: NDArray[np.float32] | None = None
        self._speeds = np.zeros((1, 1), np.float32)
        self._captured_ns = 0

    def __call__(self, points: PointsF32, size_px: float, captured_ns: int) -> PointsF32:
        """Smooth (n, k) points of a face of `size_px`; frames come in the order of their capture times."""
        past, elapsed_s = self._points, (captured_ns - self._captured_ns) * 1e-9
        self._captured_ns = captured_ns
        if past is None or elapsed_s <= 0:
            self._points, self._speeds = points, np.zeros_like(points)
            return points
        speeds = (points - past) * np.float32(1.0 / (max(size_px, 1.0) * elapsed_s))
        self._speeds += np.float32(_weight(self._settings.speed_cutoff_hz, elapsed_s)) * (speeds - self._speeds)
        cutoff_hz = self._settings.min_cutoff_hz + self._settings.beta * np.abs(self._speeds)
        turns = cutoff_hz * np.float32(2 * math.pi * elapsed_s)
        smooth = np.asarray(past + turns / (turns + 1) * (points - past), np.float32)
        self._points = smooth
        return smooth


def _weight(cutoff_hz: float, elapsed_s: float) -> float:
    """Share of the newest value in an exponential mean with this cutoff."""
    turns = 2 * math.pi * cutoff_hz * elapsed_s
    return turns / (turns + 1)


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


class OpticalFlow:
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


LIPS: Final = (*LIPS_OUTER, *LIPS_INNER)
LIDS: Final = (*EYE_LEFT, *EYE_RIGHT)
_NEAR_CM: Final = 1.0
"""So far around lips and lids, on an average head, skin moves by itself."""


class LandmarkFilter:
    """Steadies one face's landmarks from frame to frame; keeps the last frame's patch, points and depths."""

    def __init__(self, settings: LandmarkFilterSettings) -> None:
        self._settings = settings
        self._depths = OneEuro(settings.depth)
        self._flow: OpticalFlow | None = None
        self._placed = np.zeros((0, 2), np.float32)
        self._captured_ns = 0

    def __call__(self, frame: TrackedImage, landmark_fit: LandmarkFit) -> PointsF32:
        """Give the (468, 3) landmarks of what the network saw in a frame."""
        elapsed_s, self._captured_ns = (frame.captured_ns - self._captured_ns) * 1e-9, frame.captured_ns
        if self._flow is None or elapsed_s <= 0:
            self._flow = OpticalFlow(frame.image_bgr, landmark_fit)
            self._placed = landmark_fit.landmarks[:, :2]
        else:
            carried = self._flow(frame.image_bgr, landmark_fit, self._placed)
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
