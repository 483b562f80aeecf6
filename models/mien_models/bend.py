"""A bend of the frame under a swapped face: the target's own eyes, teeth, jaw and background follow its new shape."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.arrays import BgrU8, as_f32, as_u8


@dataclass(frozen=True, eq=False)
class Bend:
    """Where each pixel of a rectangle of the frame takes its content from; outside of the rectangle nothing moves."""

    left: int
    top: int
    width: int
    height: int
    """The rectangle, in whole pixels; it lies inside the frame."""
    shift_px: NDArray[np.float32]
    """(rows, columns, 2) how far from a pixel its content lies, x to the right and y down, in pixels of the frame.

    Coarse: the grid is spread over the rectangle as `cv2.resize` spreads a small picture over a large one. It is 0
    along the rectangle's border, but for where that is the frame's own.
    """

    def __post_init__(self) -> None:
        """Refuse a grid that holds no shifts."""
        if self.shift_px.ndim != 3 or self.shift_px.shape[2] != 2 or self.shift_px.dtype != np.float32:
            raise ValueError(f"shift_px must be (rows, columns, 2) float32, got {self.shift_px.shape}")

    def bent(self, image: NDArray[Any]) -> BgrU8:
        """Give the rectangle of a frame of 8 bits, bent: (height, width, 3); what moves nowhere is bit-identical."""
        shift_x, shift_y = (as_f32(cv2.resize(shift, (self.width, self.height))) for shift in self._shifts)
        region = image[self.top : self.top + self.height, self.left : self.left + self.width]
        # Four channels: OpenCV looks them up nearly twice as fast as three.
        four = cv2.cvtColor(region, cv2.COLOR_BGR2BGRA)
        how = cv2.INTER_LINEAR | cv2.WARP_RELATIVE_MAP
        looked_up = cv2.remap(four, shift_x, shift_y, how, borderMode=cv2.BORDER_REPLICATE)
        return as_u8(cv2.cvtColor(looked_up, cv2.COLOR_BGRA2BGR))

    def origin(
        self, at_x: NDArray[np.float32], at_y: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Say where in the frame the content of places of the bent frame lies.

        Args:
            at_x: (rows, columns) places in pixels of the frame, anywhere.
            at_y: the same downwards.
        """
        rows, columns = self.shift_px.shape[:2]
        cell_x = as_f32((at_x - self.left + 0.5) * (columns / self.width) - 0.5)
        cell_y = as_f32((at_y - self.top + 0.5) * (rows / self.height) - 0.5)
        shift_x, shift_y = (
            as_f32(cv2.remap(shift, cell_x, cell_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
            for shift in self._shifts
        )
        return at_x + shift_x, at_y + shift_y

    @cached_property
    def _shifts(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return np.ascontiguousarray(self.shift_px[..., 0]), np.ascontiguousarray(self.shift_px[..., 1])
