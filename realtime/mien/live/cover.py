"""How much of a face its swap really hides."""

from typing import Final

import numpy as np

from mien_models.faces import Face, SwappedFace

_OPAQUE: Final = 127
"""Alpha above this counts as hidden."""
_FARTHEST: Final = 1e5
"""Pixels and factors beyond this are no placement but a mistake."""


def covered_part(face: Face, swapped: SwappedFace, width: int, height: int) -> float:
    """Give the part, 0..1, of the face's box inside a `width` x `height` frame that the swap covers.

    A crop that is transparent or lies elsewhere covers nothing, whatever its maker says. A face that is wholly outside
    the frame is covered: there is nothing of it to see.
    """
    if not (np.isfinite(face.box_xyxy).all() and np.abs(swapped.frame_from_crop).max() < _FARTHEST):
        return 0.0
    left, top, right, bottom = np.clip(face.box_xyxy.astype(np.float64), 0, [width, height, width, height])
    area_px = (right - left) * (bottom - top)
    linear, shift = swapped.frame_from_crop[:, :2], swapped.frame_from_crop[:, 2]
    scale = abs(float(np.linalg.det(linear)))
    if area_px < 1:
        return 1.0
    if scale < 1 / _FARTHEST:
        return 0.0
    corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]]) - shift
    in_crop = np.clip(corners @ np.linalg.inv(linear).T, 0, swapped.alpha.shape[::-1])
    first_column, first_row = np.floor(in_crop.min(axis=0)).astype(int)
    last_column, last_row = np.ceil(in_crop.max(axis=0)).astype(int)
    hidden = swapped.alpha[first_row:last_row, first_column:last_column] > _OPAQUE
    return min(float(np.count_nonzero(hidden)) * scale / float(area_px), 1.0)
