"""Where a face is, how its head is turned, and whether landmarks can be a face's at all."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.tracking.settings import PlausibilitySettings
from mien_models.geometry.crop import Region
from mien_models.types import BgrU8, DetectedFace, HeadPose, PointsF32


@dataclass(frozen=True, slots=True, eq=False)
class TrackedImage:
    """A picture in which faces are followed."""

    image_bgr: BgrU8
    captured_ns: int
    """Grows from frame to frame; speeds and smoothing are computed from it."""
    shot: int = 0
    """Which shot of the film it belongs to."""
    is_cut: bool = False
    """Whether that shot begins with it, or is come back to."""


REGION_PER_BOX: Final = 1.5
"""The landmark network wants this much more than the face's box (mediapipe: face_landmark_landmarks_to_roi)."""


# FaceMesh points; left and right as seen in the picture.
LEFT_EYE_OUTER: Final = 33


RIGHT_EYE_OUTER: Final = 263


FOREHEAD: Final = 10


CHIN: Final = 152


LEFT_TO_RIGHT: Final = ((33, 263), (133, 362), (127, 356), (234, 454))
"""Pairs that stay mirror images whatever the mouth and the brows do."""


_POSE_POINTS: Final = [*(left for left, _ in LEFT_TO_RIGHT), *(right for _, right in LEFT_TO_RIGHT), FOREHEAD, CHIN]


_STRAIGHT_PITCH_DEG: Final = -10.0
"""What the landmarks' own axis from forehead to chin says of people who look straight: the median of 14 portraits."""


def region_from_detection(face: DetectedFace) -> Region:
    """Give the square in which to look for the landmarks of a face that was just detected."""
    box = face.box_xyxy.astype(np.float64)
    eyes = face.keypoints[1] - face.keypoints[0]
    centre = (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)
    side = float(max(box[2] - box[0], box[3] - box[1]))
    return Region(centre, side * REGION_PER_BOX, math.atan2(float(eyes[1]), float(eyes[0])))


@dataclass(frozen=True, slots=True)
class Extent:
    """The upright box around a face in coordinates that are turned with its eyes."""

    roll_rad: float
    left: float
    top: float
    right: float
    bottom: float

    @staticmethod
    def of(landmarks: PointsF32) -> "Extent":
        """Measure landmarks."""
        roll = roll_rad(landmarks)
        cos, sin = math.cos(roll), math.sin(roll)
        across = landmarks[:, 0] * cos + landmarks[:, 1] * sin
        down = landmarks[:, 1] * cos - landmarks[:, 0] * sin
        return Extent(roll, float(across.min()), float(down.min()), float(across.max()), float(down.max()))

    @property
    def width(self) -> float:
        """Pixels from side to side."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    def region(self) -> Region:
        """Give the square in which to look for the same face again."""
        across, down = (self.left + self.right) / 2, (self.top + self.bottom) / 2
        cos, sin = math.cos(self.roll_rad), math.sin(self.roll_rad)
        centre = (across * cos - down * sin, across * sin + down * cos)
        return Region(centre, max(self.width, self.height) * REGION_PER_BOX, self.roll_rad)

    def height_of(self, xy: PointsF32) -> float:
        """Say how far down a point (x, y) of the frame lies: 0 at the face's top, 1 at its bottom."""
        down = float(xy[1]) * math.cos(self.roll_rad) - float(xy[0]) * math.sin(self.roll_rad)
        return (down - self.top) / max(self.height, 1e-6)


def roll_rad(landmarks: PointsF32) -> float:
    """Give the angle of the line through the eyes, clockwise in the picture."""
    eyes = landmarks[RIGHT_EYE_OUTER] - landmarks[LEFT_EYE_OUTER]
    return math.atan2(float(eyes[1]), float(eyes[0]))


def eyes_xy(landmarks: PointsF32) -> PointsF32:
    """(2, 2) the middles of the eyes, the one on the picture's left first."""
    xy = landmarks[:, :2]
    return np.stack([(xy[33] + xy[133]) / 2, (xy[263] + xy[362]) / 2])


def box_xyxy(landmarks: PointsF32) -> NDArray[np.float32]:
    """(4,) left, top, right, bottom of the landmarks."""
    xy = landmarks[:, :2]
    return np.concatenate([xy.min(axis=0), xy.max(axis=0)])


def overlap(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Intersection over union of two boxes (left, top, right, bottom), 0..1."""
    width = min(float(a[2]), float(b[2])) - max(float(a[0]), float(b[0]))
    height = min(float(a[3]), float(b[3])) - max(float(a[1]), float(b[1]))
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = sum(float(box[2] - box[0]) * float(box[3] - box[1]) for box in (a, b))
    return shared / max(areas - shared, 1e-9)


def head_pose(landmarks: PointsF32) -> HeadPose:
    """Read the head's rotation from its own axes: ear to ear and forehead to chin.

    The frame's axes are x right, y down, z into the picture; the rotation is taken apart as yaw, then pitch, then
    roll about the head's own axes.
    """
    points = landmarks[_POSE_POINTS].astype(np.float64)
    pairs = len(LEFT_TO_RIGHT)
    across = _unit((points[pairs:-2] - points[:pairs]).sum(axis=0))
    down = points[-1] - points[-2]
    down = _unit(down - across * (down @ across))
    inward = across[[1, 2, 0]] * down[[2, 0, 1]] - across[[2, 0, 1]] * down[[1, 2, 0]]
    return HeadPose(
        yaw_deg=math.degrees(math.atan2(-inward[0], inward[2])),
        pitch_deg=math.degrees(math.atan2(inward[1], math.hypot(inward[0], inward[2]))) - _STRAIGHT_PITCH_DEG,
        roll_deg=math.degrees(math.atan2(across[1], down[1])),
    )


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


_LEFT_MOUTH: Final = 61
_RIGHT_MOUTH: Final = 291
_NOSE_TIP: Final = 4


def is_plausible(
    landmarks: PointsF32,
    extent: Extent,
    region: Region,
    size: tuple[int, int],
    settings: PlausibilitySettings,
) -> bool:
    """Tell whether landmarks of this extent can be a face's.

    They were found in `region` of a picture of `size`, which is (width, height).
    """
    found = extent.region()
    if not math.isfinite(float(landmarks.sum())) or extent.width <= 0:
        return False
    largest = max(extent.width, extent.height)
    eyes = (extent.height_of(landmarks[LEFT_EYE_OUTER]) + extent.height_of(landmarks[RIGHT_EYE_OUTER])) / 2
    mouth = (extent.height_of(landmarks[_LEFT_MOUTH]) + extent.height_of(landmarks[_RIGHT_MOUTH])) / 2
    return (
        math.dist(found.centre_xy, region.centre_xy) < settings.max_shift * region.side_px
        and settings.size_range[0] < largest / region.side_px < settings.size_range[1]
        and settings.aspect_range[0] < extent.height / extent.width < settings.aspect_range[1]
        and 0 < eyes < mouth < 1
        and extent.height_of(landmarks[_NOSE_TIP]) < mouth + 0.1
        and _share_inside(landmarks, size) >= settings.min_inside
    )


def _share_inside(landmarks: PointsF32, size: tuple[int, int]) -> float:
    xy = landmarks[:, :2]
    inside = ((xy >= 0) & (xy < np.array(size, np.float32))).all(axis=1)
    return float(np.mean(inside))
