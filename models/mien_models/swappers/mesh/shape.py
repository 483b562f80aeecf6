"""A face's shape without its pose, followed in time, and how far it is from the photo's.

Shapes are compared on one average head, to which each face is laid by a similarity (Umeyama 1991, in three dimensions),
so that where a head looks and how large it is play no part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import face_topology
from mien_models.geometry.face_regions import OVAL
from mien_models.swappers.mesh.shape_transfer import proportions_change
from mien_models.types import PointsF32, as_f32

SETTLING_S: Final = 30.0
"""Time over which the target's own shape is averaged: so long that a smile which is held is not taken for shape."""
UNNOTICED_CM: Final = 0.005
"""A shape that has moved less than this since is taken for the same: an eighth of a pixel on a large face."""
TURNED: Final = (0.5, 0.9)
"""Cosine of the angle between head and camera: below the first a shape is hardly to be seen, above the second well."""
LEAST_WEIGHT: Final = 0.02
"""What a frame of a profile counts beside a frontal one."""
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

    @property
    def weight(self) -> float:
        """How much it is to be believed, up to 1: half of a turned head is guessed."""
        rotation = self.px_from_cm / np.cbrt(np.linalg.det(self.px_from_cm))
        return float(np.clip((rotation[2, 2] - TURNED[0]) / (TURNED[1] - TURNED[0]), LEAST_WEIGHT, 1))


class ShapeFilter:
    """Says how one target face must move to the photo's proportions; keeps the running mean of the target's own."""

    def __init__(self, photo_cm: NDArray[np.float32], strength: float, *, pitch_offset_rad: float = 0.0) -> None:
        """Take the photo's shape, how much of it is wanted, and how far its skin seems to nod in its place."""
        self._photo_cm = photo_cm
        self._pitch_offset_rad = np.float32(pitch_offset_rad)
        self._strength = np.float32(strength)
        self._own_cm: NDArray[np.float32] | None = None
        self._change_cm: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        """The last change, and the shape of the target for which it was found."""
        self._seen = 0.0
        """Frames that counted, those of a turned head in part."""

    def change_px(self, landmarks: PointsF32, elapsed_s: float) -> NDArray[np.float32]:
        """Give how far each of the (468, 3) landmarks must move, for a frame so many seconds after the last one."""
        head = head_shape(landmarks)
        self._seen += head.weight
        share = np.float32(head.weight * max(1 / self._seen, min(1.0, elapsed_s / SETTLING_S)))
        before = head.points_cm if self._own_cm is None else self._own_cm
        self._own_cm = as_f32(before + share * (head.points_cm - before))
        return as_f32(self._change_for(self._own_cm) @ head.px_from_cm.T)

    def _change_for(self, own_cm: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._change_cm is None or np.abs(own_cm - self._change_cm[1]).max() > UNNOTICED_CM:
            change_cm = proportions_change(self._photo_cm, own_cm)
            # A small turn around the axis through the ears, seen from the front: what is nearer moves further.
            turned_cm = self._pitch_offset_rad * (own_cm[:, 2] - own_cm[list(OVAL), 2].mean())
            turned_cm[list(OVAL)] = 0  # the hairline and the jaw stay at the head's own
            change_cm[:, 1] += turned_cm
            self._change_cm = (self._strength * change_cm, own_cm)
        return self._change_cm[0]


def pitch_rad(landmarks: PointsF32) -> float:
    """Say how far a face looks down, above 0, or up, in radians."""
    turn = head_shape(landmarks).px_from_cm
    return float(np.arcsin(np.clip(-turn[1, 2] / np.cbrt(np.linalg.det(turn)), -1, 1)))


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


def mean_shape_cm(views: Sequence[PointsF32]) -> NDArray[np.float32]:
    """Give the shape of one face that is seen several times: (468, 3) on the average head, as `HeadShape.points_cm`."""
    heads = [head_shape(landmarks) for landmarks in views]
    return as_f32(np.average([head.points_cm for head in heads], axis=0, weights=[head.weight for head in heads]))


@cache
def _canonical_rigid() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The rigid points of the average head around their centre, and that centre; y down, z away."""
    rigid = face_topology().canonical_cm[list(RIGID)] * np.array([1, -1, -1], np.float32)
    centre = as_f32(rigid.mean(axis=0))
    return as_f32(rigid - centre), centre
