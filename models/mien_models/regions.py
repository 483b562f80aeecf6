"""Turned squares of a picture, cut out for a network, and the way back."""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.arrays import AffineF64, BgrU8
from mien_models.contracts import FaceRegion

_MAX_PLAIN_SHRINK: Final = 2.0
"""Bilinear sampling skips pixels beyond this factor: noise would turn into jitter of the landmarks."""


@dataclass(frozen=True, slots=True)
class Region:
    """A turned square in a picture; see `FaceRegion`."""

    centre_xy: tuple[float, float]
    side_px: float
    roll_rad: float = 0.0

    def scaled(self, factor: float) -> "Region":
        """Give the same square with another side."""
        return Region(self.centre_xy, self.side_px * factor, self.roll_rad)

    def turned(self, roll_rad: float) -> "Region":
        """Give the same square at another angle."""
        return Region(self.centre_xy, self.side_px, roll_rad)

    @staticmethod
    def around(width: int, height: int) -> "Region":
        """Give the smallest upright square with all of a picture in its middle."""
        return Region(((width - 1) / 2, (height - 1) / 2), float(max(width, height)))


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """What was cut out."""

    image_bgr: BgrU8
    """(size, size, 3)."""
    frame_from_patch: AffineF64


def cut_patch(image_bgr: BgrU8, region: FaceRegion, size_px: int, *, border: int = cv2.BORDER_CONSTANT) -> Patch:
    """Cut a region out of a picture and scale it to `size_px` a side, without skipping pixels.

    What lies outside the picture is filled as OpenCV's `border` says, by default with black.
    """
    frame_from_patch = _frame_from_patch(region, size_px)
    shrink = int(region.side_px / size_px)
    if shrink < _MAX_PLAIN_SHRINK:
        return Patch(_warp(image_bgr, frame_from_patch, size_px, border), frame_from_patch)
    small, frame_from_small = _shrink(image_bgr, region, shrink)
    small_from_patch = frame_from_patch / shrink
    small_from_patch[:, 2] -= frame_from_small / shrink
    return Patch(_warp(small, small_from_patch, size_px, border), frame_from_patch)


def _frame_from_patch(region: FaceRegion, size_px: int) -> AffineF64:
    """Pixel centres to pixel centres: the middle of the patch is the middle of the region."""
    scale = region.side_px / size_px
    cos, sin = scale * math.cos(region.roll_rad), scale * math.sin(region.roll_rad)
    (x, y), middle = region.centre_xy, (size_px - 1) / 2
    return np.array(
        [[cos, -sin, x - (cos - sin) * middle], [sin, cos, y - (sin + cos) * middle]],
    )


def _warp(image_bgr: BgrU8, image_from_patch: AffineF64, size_px: int, border: int) -> BgrU8:
    warped = cv2.warpAffine(
        image_bgr,
        image_from_patch,
        (size_px, size_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=border,
    )
    return np.asarray(warped, np.uint8)


def _shrink(image_bgr: BgrU8, region: FaceRegion, factor: int) -> tuple[BgrU8, NDArray[np.float64]]:
    """Average whole blocks of pixels in the region's surroundings.

    Returns the small picture and where its first pixel's centre lies in the big one.
    """
    height, width = image_bgr.shape[:2]
    reach = region.side_px / 2 * (abs(math.cos(region.roll_rad)) + abs(math.sin(region.roll_rad))) + factor
    x, y = region.centre_xy
    left, top = (int(max(0, min(edge - factor, at - reach))) for at, edge in ((x, width), (y, height)))
    columns, rows = (
        max(1, int((min(edge, at + reach) - start) / factor))
        for at, edge, start in ((x, width, left), (y, height, top))
    )
    part = image_bgr[top : top + rows * factor, left : left + columns * factor]
    small = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), np.array([left, top]) + (factor - 1) / 2
