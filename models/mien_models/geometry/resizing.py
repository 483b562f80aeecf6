"""A crop at another side: the ways in which the networks' own programs resize, to the rounding."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.specs.network import Resize
from mien_models.types import AffineF64, BgrU8, as_f32, as_u8

_HALF: Final = 0.5


def resized(crop_bgr: BgrU8, side_px: int, how: Resize, out: BgrU8 | None = None) -> BgrU8:
    """Bring a square crop to another side.

    Args:
        crop_bgr: (n, n, 3).
        side_px: of the result.
        how: as in `Resize`; 'nearest' and 'corners' are torch's `interpolate` ('bilinear' with `align_corners`).
        out: memory for the result, (side_px, side_px, 3).

    Returns:
        (side_px, side_px, 3), rounded; `out` where it was given.
    """
    result = np.empty((side_px, side_px, 3), np.uint8) if out is None else out
    if how == "linear":
        cv2.resize(crop_bgr, (side_px, side_px), dst=result, interpolation=cv2.INTER_LINEAR)
    elif how == "nearest":
        rows = np.floor(np.arange(side_px, dtype=np.float32) * np.float32(len(crop_bgr) / side_px)).astype(np.intp)
        result[:] = crop_bgr[rows[:, None], rows]
    else:
        result[:] = as_u8(_along(_along(as_f32(crop_bgr), side_px).swapaxes(0, 1), side_px).swapaxes(0, 1) + _HALF)
    return result


def side_from_cut(side_px: int, cut_px: int, how: Resize) -> AffineF64:
    """Give the 3x3 matrix that takes pixels of a crop of `cut_px` to those of the resized one."""
    if how == "corners":
        scale, shift = (side_px - 1) / (cut_px - 1), 0.0
    elif how == "nearest":
        scale, shift = side_px / cut_px, 0.0
    else:
        scale = side_px / cut_px
        shift = (scale - 1) / 2
    return np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1]])


def _along(numbers: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Sample the first axis at `side` places, the first and the last at its ends."""
    at = np.arange(side, dtype=np.float32) * np.float32((len(numbers) - 1) / (side - 1))
    first = np.minimum(at.astype(np.intp), len(numbers) - 2)
    share = (at - first)[:, None, None]
    return as_f32(numbers[first] * (1 - share) + numbers[first + 1] * share)
