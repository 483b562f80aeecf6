"""The photo's smile, taken out of its skin: folds between nose and mouth are softened, teeth are painted over."""

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import disc, features_mask, filled
from mien_models.geometry.face_regions import LIPS_INNER, LIPS_OUTER
from mien_models.swappers.mesh.delight import SIDE_PX
from mien_models.swappers.mesh.diffuse import spread
from mien_models.swappers.mesh.inpaint import resized
from mien_models.swappers.mesh.shape import head_shape
from mien_models.types import MaskU8, PointsF32, as_f32, as_u8

SMILE: Final = (0.60, 0.72)
"""Width of the mouth, in parts of the distance of the eyes' outer corners, at which a smile begins and is broad.

Of 14 portraits the eight that do not smile had 0.51 to 0.60, the six that do 0.66 to 0.74.
"""
FOLD: Final = (0.004, 0.04)
"""A fold is coarser than the first blur and finer than the second, in parts of the atlas' side."""
SOFTENED: Final = 0.75
"""Part of a fold that a full smile loses."""
TEETH: Final = 0.006
"""How far around the mouth's opening teeth may show, in parts of the atlas' side."""
FOLDS: Final = (
    (129, 203, 206, 216, 212, 202, 204, 194, 210, 214, 192, 187, 50, 101, 100, 126),
    (358, 423, 426, 436, 432, 422, 424, 418, 430, 434, 416, 411, 280, 330, 329, 355),
)
"""The cheeks' inner parts, from the nose's wings past the mouth's corners."""


def smile(landmarks: PointsF32) -> float:
    """Say how strongly a photo smiles: 0 not at all, 1 broadly."""
    points = head_shape(landmarks).points_cm
    width_cm, eyes_cm = (float(np.linalg.norm(points[a] - points[b])) for a, b in ((61, 291), (33, 263)))
    return float(np.clip((width_cm / eyes_cm - SMILE[0]) / (SMILE[1] - SMILE[0]), 0, 1))


def soften_folds(log_bgr: NDArray[np.float32], strength: float) -> NDArray[np.float32]:
    """Give a copy with weaker folds beside the mouth.

    Args:
        log_bgr: (n, n, 3) the face laid flat, in logarithms.
        strength: 0..1, how strongly the photo smiles.
    """
    if strength == 0:
        return log_bgr
    small = resized(log_bgr, SIDE_PX)
    fine, wide = (as_f32(cv2.GaussianBlur(small, (0, 0), sigma * SIDE_PX)) for sigma in FOLD)
    change = -SOFTENED * strength * (fine - wide) * _fold_area()[..., None]
    return as_f32(log_bgr + resized(as_f32(change), len(log_bgr)))


def close_mouth(log_bgr: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give a copy in which lip covers the mouth's opening and its surroundings, where teeth may show."""
    small = resized(log_bgr, SIDE_PX)
    opening = as_f32(as_f32(cv2.GaussianBlur(_opening(), (0, 0), 1.0)) / 255)
    lips = as_f32(filled((LIPS_OUTER,), SIDE_PX)) / 255
    covered = spread(small, as_f32(lips * np.clip(1 - 2 * opening, 0, 1)))
    weight = resized(opening, len(log_bgr))[..., None]
    return as_f32(log_bgr + weight * (resized(covered, len(log_bgr)) - log_bgr))


@cache
def _opening() -> MaskU8:
    mask = filled((LIPS_INNER,), SIDE_PX)
    return as_u8(cv2.dilate(mask, disc(2 * round(TEETH * SIDE_PX) + 1)))


@cache
def _fold_area() -> NDArray[np.float32]:
    area = filled(FOLDS, SIDE_PX) & ~features_mask(SIDE_PX, 0.008)
    return as_f32(as_f32(cv2.GaussianBlur(area, (0, 0), 0.015 * SIDE_PX)) / 255)
