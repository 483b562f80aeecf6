"""The photo's proportions on the target's head: nose, brows and cheeks move, while eyes, lips and outline stay.

Shapes are compared on one average head, to which each face is laid by a similarity (Umeyama 1991, in three dimensions),
so that where a head looks and how large it is play no part.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.arrays import PointsF32, as_f32
from mien_models.mesh.regions import EYE_LEFT, EYE_RIGHT, LIPS_INNER, LIPS_OUTER, OVAL
from mien_models.mesh.topology import face_topology

STRENGTH: Final = 0.7
"""How far the target's shape moves to the photo's: 0 is the target's own, 1 the photo's."""
REACH_CM: Final = 1.2
"""From this distance to what must stay, a point is moved in full."""
SETTLING_S: Final = 3.0
"""Time over which the target's own shape is averaged: long beside an expression, which is not to be taken for shape."""
RIGID: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 234, 127, 162, 21, 54, 103, 67, 109, 33, 133, 362, 263, 168, 6, 197,
    195, 5, 4, 1, 2, 98, 327, 117, 346, 123, 352, 152,
)  # fmt: skip
"""Points that keep their place on a head while it speaks, smiles or frowns."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadShape:
    """A face without its pose: landmarks on the average head, and how to bring them back to the picture."""

    points_cm: NDArray[np.float32]
    """(468, 3) in centimetres; x to the right of the picture, y down, z away from the camera."""
    px_from_cm: NDArray[np.float32]
    """(3, 3) rotation times scale, from the average head to the picture."""


class ShapeFollower:
    """Moves one target face towards the photo's shape; keeps the running mean of the target's own."""

    def __init__(self, wanted_cm: NDArray[np.float32]) -> None:
        self._wanted_cm = wanted_cm
        self._own_cm: NDArray[np.float32] | None = None
        self._frames = 0

    def __call__(self, landmarks: PointsF32, elapsed_s: float) -> PointsF32:
        """Give the (468, 3) landmarks to draw at, for a frame so many seconds after the last one."""
        head = head_shape(landmarks)
        self._frames += 1
        share = np.float32(max(1 / self._frames, min(1.0, elapsed_s / SETTLING_S)))
        before = head.points_cm if self._own_cm is None else self._own_cm
        own_cm = as_f32(before + share * (head.points_cm - before))
        self._own_cm = own_cm
        return as_f32(landmarks + (_mobility() * (self._wanted_cm - own_cm)) @ head.px_from_cm.T)


def head_shape(landmarks: PointsF32) -> HeadShape:
    """Lay a face to the average head."""
    canonical, canonical_centre = _canonical_rigid()
    rigid = landmarks[list(RIGID)]
    centre = rigid.mean(axis=0)
    left, stretch, right = np.linalg.svd((rigid - centre).T @ canonical)
    turn = np.array([1, 1, np.sign(np.linalg.det(left @ right))], np.float32)
    rotation = (left * turn) @ right
    scale = (stretch * turn).sum() / np.square(canonical).sum()
    points_cm = (landmarks - centre) @ rotation / scale + canonical_centre
    return HeadShape(as_f32(points_cm), as_f32(rotation * scale))


@cache
def _canonical_rigid() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The rigid points of the average head around their centre, and that centre; y down, z away."""
    rigid = face_topology().canonical_cm[list(RIGID)] * np.array([1, -1, -1], np.float32)
    centre = as_f32(rigid.mean(axis=0))
    return as_f32(rigid - centre), centre


@cache
def _mobility() -> NDArray[np.float32]:
    """How far each landmark is moved, (468, 1): 0 where the target shows through or its background begins."""
    points = face_topology().canonical_cm
    staying = points[[*OVAL, *EYE_LEFT, *EYE_RIGHT, *LIPS_INNER, *LIPS_OUTER]]
    distance_cm = np.linalg.norm(points[:, None] - staying[None], axis=2).min(axis=1)
    t = np.clip(distance_cm / REACH_CM, 0, 1)
    return as_f32(STRENGTH * t * t * (3 - 2 * t))[:, None]
