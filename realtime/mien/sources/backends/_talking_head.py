"""A head that is moved: the face mesh of one picture with a jaw and lids, amid rings that reach the picture's edge."""

from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians, sin
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import face_topology
from mien_models.geometry.face_regions import EYE_LEFT, EYE_RIGHT, LIPS_INNER, OVAL
from mien_models.types import PointsF32

_POINTS: Final = 468
_RING: Final = len(OVAL)
# Rings around the face: distance from its centre in parts of the face's own; share of the head's motion, and the same
# below the chin, where the neck holds on to the shoulders; depth behind the outline in face widths; share of the jaw.
_RINGS: Final = (
    (1.16, 1.00, 0.90, 0.10, 0.8),
    (1.55, 0.92, 0.45, 0.42, 0.2),
    (2.10, 0.40, 0.10, 0.60, 0.0),
    (3.00, 0.00, 0.00, 0.60, 0.0),
    (14.0, 0.00, 0.00, 0.60, 0.0),
)
_JAW_DROPS: Final = 0.16
_JAW_RETREATS: Final = 0.05
"""How far an open jaw goes down and back, in face widths."""
_CHIN: Final = 152
_UPPER_LIP: Final = LIPS_INNER[:11]
_LOWER_LIP: Final = (LIPS_INNER[0], *LIPS_INNER[:9:-1])

# The rows of skin above each eye follow its upper lid; MediaPipe's face mesh (mediapipe 0.10.21).
_LID_ROWS: Final = (
    (((247, 30, 29, 27, 28, 56, 190), 0.45), ((113, 225, 224, 223, 222, 221, 189), 0.12)),
    (((467, 260, 259, 257, 258, 286, 414), 0.45), ((342, 445, 444, 443, 442, 441, 413), 0.12)),
)


@dataclass(frozen=True, slots=True)
class HeadMotion:
    """Where the head is and what it does, against the picture it was made of."""

    yaw_deg: float = 0.0
    """Positive when the nose goes to the right edge of the picture."""
    pitch_deg: float = 0.0
    """Positive when the nose goes up."""
    roll_deg: float = 0.0
    """Positive clockwise in the picture."""
    shift_xy: tuple[float, float] = (0.0, 0.0)
    """In face widths, to the right and down."""
    jaw: float = 0.0
    """0 as in the picture .. 1 wide open."""
    blink: float = 0.0
    """0 open .. 1 closed."""


class TalkingHead:
    """The mesh of one picture's head and its surroundings, and how it moves; fixed once it is made."""

    def __init__(self, landmarks: PointsF32) -> None:
        """Take the (468, 3) landmarks of the picture's face, in its pixels."""
        mouth = _mouth_bag(landmarks)
        rings, shares, ring_jaw = _rings(landmarks, _jaw_weights(landmarks))
        still = np.zeros(len(mouth.points), np.float32)
        self._face_px = float(np.ptp(landmarks[:, 0]))
        self._rest = np.concatenate([landmarks, rings, mouth.points]).astype(np.float32)
        self._share = np.concatenate([np.ones(_POINTS, np.float32), shares, still + 1])
        self._jaw = np.concatenate([_jaw_weights(landmarks), ring_jaw, still])
        # A head turns about a point behind the middle of its outline and a little below it.
        centre = landmarks[list(OVAL)].mean(axis=0)
        self._pivot = centre + np.array([0, 0.15, 0.3], np.float32) * self._face_px
        self.triangles: NDArray[np.int32] = np.concatenate(
            [_head_triangles(), mouth.triangles + _POINTS + len(rings)]
        ).astype(np.int32)
        """(t, 3) indices into what `posed` gives."""
        self.picture_xy: NDArray[np.float32] = np.concatenate([landmarks, rings, mouth.texture])[:, :2].astype(
            np.float32
        )
        """(n, 2) which pixel of the picture each point carries."""
        self.darkness: NDArray[np.float32] = np.concatenate(
            [np.zeros(_POINTS + len(rings), np.float32), mouth.darkness]
        )
        """(n,) 0 for the picture's own light, 1 for the dark of an open mouth."""

    @property
    def moving_xy(self) -> NDArray[np.float32]:
        """(36, 2) a ring in the picture's pixels; outside it nothing ever moves."""
        first = _POINTS + _RING * next(n for n, ring in enumerate(_RINGS) if ring[1] == ring[2] == 0)
        return self._rest[first : first + _RING, :2]

    @staticmethod
    def face_xy(posed: PointsF32) -> NDArray[np.float32]:
        """(504, 2) those of the posed points that are the face and the rim around it."""
        return posed[: _POINTS + _RING, :2]

    def posed(self, motion: HeadMotion) -> PointsF32:
        """Give the (n, 3) points where this motion puts them, in the picture's pixels."""
        moved = self._rest.copy()
        for contour, rows in zip((EYE_LEFT, EYE_RIGHT), _LID_ROWS, strict=True):
            _close_lid(moved, contour, rows, motion.blink)
        drop = motion.jaw * self._face_px * self._jaw
        moved[:, 1] += drop * _JAW_DROPS
        moved[:, 2] += drop * _JAW_RETREATS
        turned = (moved - self._pivot) @ _rotation(motion).T + self._pivot
        turned[:, :2] += np.array(motion.shift_xy, np.float32) * self._face_px
        return np.asarray(moved + self._share[:, None] * (turned - moved), np.float32)


def _rotation(motion: HeadMotion) -> NDArray[np.float32]:
    """Give the matrix of roll after pitch after yaw; x to the right, y down, z into the picture."""
    yaw, pitch, roll = (radians(angle) for angle in (motion.yaw_deg, motion.pitch_deg, motion.roll_deg))
    about_y = np.array([[cos(yaw), 0, -sin(yaw)], [0, 1, 0], [sin(yaw), 0, cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, cos(pitch), sin(pitch)], [0, -sin(pitch), cos(pitch)]])
    about_z = np.array([[cos(roll), -sin(roll), 0], [sin(roll), cos(roll), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y, np.float32)


def _rings(
    landmarks: PointsF32, jaw: NDArray[np.float32]
) -> tuple[PointsF32, NDArray[np.float32], NDArray[np.float32]]:
    """Give the points of all rings, inner first, their shares in the head's motion, and in the jaw's."""
    oval = landmarks[list(OVAL)]
    centre = oval.mean(axis=0)
    face_px = float(np.ptp(landmarks[:, 0]))
    outwards = oval[:, :2] - centre[:2]
    below = np.clip(outwards[:, 1] / np.linalg.norm(outwards, axis=1), 0, 1) ** 2
    points, shares, jaws = [], [], []
    for scale, above_share, below_share, depth, jaw_share in _RINGS:
        ring = np.empty_like(oval)
        ring[:, :2] = centre[:2] + scale * outwards
        ring[:, 2] = oval[:, 2] + depth * face_px
        points.append(ring)
        shares.append(above_share + (below_share - above_share) * below)
        jaws.append(jaw_share * jaw[list(OVAL)])
    return tuple(np.concatenate(part).astype(np.float32) for part in (points, shares, jaws))  # type: ignore[return-value]


def _head_triangles() -> NDArray[np.int32]:
    """Give the face without the lid over its mouth, and the rings around it."""
    face = face_topology().triangles
    inner = np.array(LIPS_INNER)
    is_lid = np.isin(face, inner).all(axis=1)
    first = _POINTS + _RING * np.arange(len(_RINGS))
    around = np.arange(_RING)
    following = np.roll(around, -1)
    joined = [
        np.stack([corner.astype(np.int32) for corner in corners], axis=1)
        for inner_first, outer_first in pairwise(first)
        for corners in (
            (inner_first + around, inner_first + following, outer_first + around),
            (inner_first + following, outer_first + following, outer_first + around),
        )
    ]
    return np.concatenate([face[~is_lid], *joined])


@dataclass(frozen=True, slots=True, eq=False)
class _MouthBag:
    """What is seen through the lips: the picture's own teeth, which stay with the skull, and the dark below them."""

    points: PointsF32
    texture: PointsF32
    darkness: NDArray[np.float32]
    triangles: NDArray[np.int32]


def _mouth_bag(landmarks: PointsF32) -> _MouthBag:
    upper, lower = landmarks[list(_UPPER_LIP)], landmarks[list(_LOWER_LIP)]
    face_px = float(np.ptp(landmarks[:, 0]))
    behind = np.array([0, 0, 0.05], np.float32) * face_px
    gap = lower - upper
    above, edge, below = upper - 0.2 * gap + behind, upper + 0.85 * gap + behind, upper + 1.2 * gap + behind * 2
    # The throat: a dark square behind everything, seen only where the lips leave a way to it.
    corners = np.array([(-0.36, -0.1, 0.22), (0.36, -0.1, 0.22), (-0.24, 0.27, 0.22), (0.24, 0.27, 0.22)], np.float32)
    throat = upper.mean(axis=0) + corners * face_px
    columns = len(_UPPER_LIP)
    cells = np.array([row * columns + column for row in range(2) for column in range(columns - 1)], np.int32)
    upper_half = np.stack([cells, cells + 1, cells + columns], axis=1)
    lower_half = np.stack([cells + 1, cells + columns + 1, cells + columns], axis=1)
    throat_halves = np.array([(0, 1, 2), (1, 3, 2)], np.int32) + 3 * columns
    return _MouthBag(
        points=np.concatenate([above, edge, below, throat]).astype(np.float32),
        texture=np.concatenate([above, edge, edge, np.repeat(edge[5:6], 4, axis=0)]).astype(np.float32),
        darkness=np.concatenate([np.repeat(np.array([0, 0.1, 1], np.float32), columns), np.ones(4, np.float32)]),
        triangles=np.concatenate([upper_half, lower_half, throat_halves]),
    )


def _jaw_weights(landmarks: PointsF32) -> NDArray[np.float32]:
    """Give how far each landmark goes down with the jaw, 0..1: nothing above the lips' gap, all of it at the chin."""
    upper, lower = landmarks[list(_UPPER_LIP)], landmarks[list(_LOWER_LIP)]
    gap = (upper + lower) / 2
    half_face, half_mouth = np.ptp(landmarks[:, 0]) / 2, np.ptp(gap[:, 0]) / 2
    x, y = landmarks[:, 0], landmarks[:, 1]
    order = np.argsort(gap[:, 0])
    gap_y = np.interp(x, gap[order, 0], gap[order, 1])
    aside = np.abs(x - gap[:, 0].mean())
    to_chin = landmarks[_CHIN, 1] - gap[:, 1].mean()
    # At the middle the lower lip follows whole; towards the corners, where the lips meet, ever less.
    ramp = to_chin * (0.04 + 0.55 * np.clip(aside / half_mouth, 0, 1.6) ** 2)
    depth = np.clip((y - gap_y) / ramp, 0, 1)
    sideways = np.clip(1 - (aside / (1.05 * half_face)) ** 2, 0, 1)
    return np.asarray(depth * depth * (3 - 2 * depth) * sideways, np.float32)


def _close_lid(
    points: PointsF32, contour: tuple[int, ...], rows: tuple[tuple[tuple[int, ...], float], ...], closed: float
) -> None:
    """Draw an eye's upper lid down over it, in place, with the skin above the lid."""
    upper, lower = list(contour[1:8]), list(contour[:8:-1])
    way = (points[lower] - points[upper]) * closed
    points[upper] += way
    for row, share in rows:
        points[list(row)] += way * share
