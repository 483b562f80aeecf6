"""Turned squares of a picture, cut out for a network, as its numbers, and the way back."""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.interfaces import FaceRegion
from mien_models.specs.manifest import InputSpec
from mien_models.types import AffineF64, BgrU8, PointsF32


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

    @property
    def scale(self) -> float:
        """Pixels of the frame per pixel of the patch."""
        return math.hypot(*self.frame_from_patch[:, 0])

    def points_in_frame(self, points: PointsF32) -> PointsF32:
        """Take points (n, 2) of the patch to the frame they were cut from."""
        # Not `@`: for so few points, BLAS spends a hundred times longer waking its threads.
        (a, b, left), (c, d, top) = self.frame_from_patch.astype(np.float32)
        x, y = points[:, 0], points[:, 1]
        return np.stack([a * x + b * y + left, c * x + d * y + top], axis=1)


def cut_patch(image_bgr: BgrU8, region: FaceRegion, size_px: int, *, border: int = cv2.BORDER_CONSTANT) -> Patch:
    """Cut a region out of a picture and scale it to `size_px` a side, without skipping pixels.

    Bilinear sampling alone skips pixels beyond a factor of two; the landmarks of a large, noisy, resting face then
    jitter twice as much.

    What lies outside the picture is filled as OpenCV's `border` says, by default with black.
    """
    frame_from_patch = _frame_from_patch(region, size_px)
    halvings = int(math.log2(max(1.0, region.side_px / size_px)))
    if halvings == 0:
        return Patch(_warp(image_bgr, frame_from_patch, size_px, border), frame_from_patch)
    small, frame_from_small = _shrink(image_bgr, region, halvings)
    small_from_patch = frame_from_patch / 2**halvings
    small_from_patch[:, 2] -= frame_from_small / 2**halvings
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


def _shrink(image_bgr: BgrU8, region: FaceRegion, halvings: int) -> tuple[BgrU8, NDArray[np.float64]]:
    """Halve the region's surroundings some times; every halving is the mean of blocks of 2 x 2 pixels.

    Returns the small picture and where its first pixel's centre lies in the big one.
    """
    height, width = image_bgr.shape[:2]
    block = 2**halvings
    reach = region.side_px / 2 * (abs(math.cos(region.roll_rad)) + abs(math.sin(region.roll_rad))) + block
    x, y = region.centre_xy
    left, top = (int(max(0, min(edge - block, at - reach))) for at, edge in ((x, width), (y, height)))
    columns, rows = (
        max(1, int((min(edge, at + reach) - start) / block)) for at, edge, start in ((x, width, left), (y, height, top))
    )
    small = image_bgr[top : top + rows * block, left : left + columns * block]
    for _ in range(halvings):
        # OpenCV has a fast path for exact halves only: three of them cost half of one step by eight.
        size = (max(1, small.shape[1] // 2), max(1, small.shape[0] // 2))
        small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, np.array([left, top]) + (block - 1) / 2


_VALUES: Final = 256


class NetworkInput:
    """Turns square pictures into the input that a manifest describes; its buffer is reused by every call."""

    def __init__(self, spec: InputSpec) -> None:
        """Prepare for one network.

        Raises:
            ModelError: the input is not one square colour picture in rows of pixels.
        """
        if spec.layout != "nhwc" or spec.shape != (1, spec.size_px, spec.size_px, 3):
            raise ModelError(f"The input {spec.name!r} should be (1, n, n, 3) 'nhwc', is {spec.shape} {spec.layout!r}.")
        self.size_px = spec.size_px
        self._spec = spec
        self._table = (np.arange(_VALUES) * spec.scale + spec.offset).astype(np.float32)
        self._rgb = np.empty(spec.shape[1:], np.uint8)
        self._numbers = np.empty(spec.shape, np.float32)

    def feed(self, image_bgr: BgrU8) -> dict[str, NDArray[np.float32]]:
        """Give what a session's `run` takes, for a picture of the network's own size."""
        if self._spec.colour == "rgb":
            image_bgr = np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB, dst=self._rgb), np.uint8)
        cv2.LUT(image_bgr, self._table, dst=self._numbers[0])
        return {self._spec.name: self._numbers}
