"""A swapped face as it will be seen: the part of the frame around it, composed, to be painted on and given back."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.stages.composite import Paster, placed_in, underneath
from mien_models.types import BgrU8, Face, MaskU8, SwappedFace, as_u8

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels of the frame."""


@dataclass(frozen=True, slots=True, eq=False)
class ComposedPart:
    """The part of a frame that a swapped face and a box around it lie in."""

    under_bgr: BgrU8
    """What the face is laid over: the frame, warped where it is."""
    bgr: BgrU8
    """The same with the face in its place; may be painted on."""
    alpha: MaskU8
    """How much of each pixel the face covers."""
    left: int
    top: int

    def as_swapped(self, swapped: SwappedFace, painted: NDArray[np.bool_]) -> SwappedFace:
        """Give a swapped face that shows this part as it is now, where it was covered or is painted."""
        alpha = np.where((self.alpha > 0) | painted, 255, 0).astype(np.uint8)
        place = np.array([[1, 0, self.left], [0, 1, self.top]], np.float64)
        return replace(swapped, crop_bgr=self.bgr, alpha=alpha, frame_from_crop=place)


def box_around(face: Face, *, beside: float, above: float = 0.0, below: float = 0.0) -> Box:
    """Give the box of a face's landmarks, wider by so many parts of the face's width."""
    low, high = face.landmarks[:, :2].min(axis=0), face.landmarks[:, :2].max(axis=0)
    beside, above, below = (part * face.width_px for part in (beside, above, below))
    return int(low[0] - beside), int(low[1] - above), int(high[0] + beside), int(high[1] + below)


def compose_part(frame_bgr: BgrU8, swapped: SwappedFace, box: Box, paster: Paster) -> ComposedPart:
    """Compose the part of a frame that a swapped face and a box lie in."""
    rows, columns = swapped.alpha.shape
    corners = swapped.frame_from_crop @ np.array([[0, columns, 0, columns], [0, 0, rows, rows], [1] * 4])
    height, width = frame_bgr.shape[:2]
    left = int(np.clip(np.floor(min(corners[0].min(), box[0])), 0, width - 1))
    top = int(np.clip(np.floor(min(corners[1].min(), box[1])), 0, height - 1))
    right = int(np.clip(np.ceil(max(corners[0].max(), box[2])) + 1, left + 1, width))
    bottom = int(np.clip(np.ceil(max(corners[1].max(), box[3])) + 1, top + 1, height))
    under = underneath(frame_bgr, swapped, slice(top, bottom), slice(left, right))
    placed = placed_in(swapped, left, top)
    composed = under.copy()
    paster.paste(composed, placed)
    size = (right - left, bottom - top)
    return ComposedPart(under, composed, as_u8(cv2.warpAffine(swapped.alpha, placed.frame_from_crop, size)), left, top)
