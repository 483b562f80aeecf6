"""Where a face is and how its head is turned, read from landmarks."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.arrays import PointsF32
from mien_models.faces import DetectedFace, HeadPose
from mien_models.regions import Region

REGION_PER_BOX: Final = 1.5
"""The landmark network wants this much more than the face's box (mediapipe: face_landmark_landmarks_to_roi)."""

# FaceMesh points; left and right as seen in the picture.
LEFT_EYE_OUTER: Final = 33
RIGHT_EYE_OUTER: Final = 263
FOREHEAD: Final = 10
CHIN: Final = 152
LEFT_TO_RIGHT: Final = ((33, 263), (133, 362), (127, 356), (234, 454))
"""Pairs that stay mirror images whatever the mouth and the brows do."""
_STRAIGHT_PITCH_DEG: Final = -10.0
"""What the landmarks' own axis from forehead to chin says of people who look straight: the median of 14 portraits."""


def region_from_detection(face: DetectedFace) -> Region:
    """Give the square in which to look for the landmarks of a face that was just detected."""
    box = face.box_xyxy.astype(np.float64)
    eyes = face.keypoints[1] - face.keypoints[0]
    centre = (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)
    side = float(max(box[2] - box[0], box[3] - box[1]))
    return Region(centre, side * REGION_PER_BOX, math.atan2(float(eyes[1]), float(eyes[0])))


def region_from_landmarks(landmarks: PointsF32) -> Region:
    """Give the square in which to look for the same face again."""
    roll = roll_rad(landmarks)
    cos, sin = math.cos(roll), math.sin(roll)
    upright_from_frame = np.array([[cos, sin], [-sin, cos]])
    upright = landmarks[:, :2] @ upright_from_frame.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    centre = (low + high) / 2 @ upright_from_frame
    return Region((float(centre[0]), float(centre[1])), float((high - low).max()) * REGION_PER_BOX, roll)


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
    points = landmarks.astype(np.float64)
    left, right = zip(*LEFT_TO_RIGHT, strict=True)
    across = _unit((points[list(right)] - points[list(left)]).sum(axis=0))
    down = points[CHIN] - points[FOREHEAD]
    down = _unit(down - across * (down @ across))
    inward = np.cross(across, down)
    return HeadPose(
        yaw_deg=math.degrees(math.atan2(-inward[0], inward[2])),
        pitch_deg=math.degrees(math.atan2(inward[1], math.hypot(inward[0], inward[2]))) - _STRAIGHT_PITCH_DEG,
        roll_deg=math.degrees(math.atan2(across[1], down[1])),
    )


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
