"""Where a network's crop covers the frame: the face's own outline, faded, and never the crop's border."""

from typing import Final

import cv2
import numpy as np

from mien_models.types import AffineF64, Face, MaskU8, as_f32, as_u8

DRAWN_PX: Final = 128
"""The outline is drawn at this size and enlarged: it is smooth anyway."""
WIDER: Final = 1.05
"""A network may make a jaw wider than the target's: the outline is drawn so much larger around its middle."""
FADE: Final = 0.035
"""Standard deviation of the outline's fade, in parts of the crop's side."""
BORDER: Final = 0.06
"""The crop fades out over this part of its side towards its border."""
FRACTION_BITS: Final = 4
"""Corners are drawn to sixteenths of a pixel, so that a slow head does not step."""


class FaceOutline:
    """Draws alphas for crops of one size."""

    def __init__(self, side_px: int) -> None:
        """Prepare for crops of so many pixels a side."""
        self._side_px = side_px
        self._border = _border(side_px)

    def alpha(self, face: Face, crop_from_frame: AffineF64) -> MaskU8:
        """Give (side_px, side_px): 255 inside the face's outline, faded towards it and towards the crop's border."""
        scale = DRAWN_PX / self._side_px
        (a, b, x), (c, d, y) = crop_from_frame.tolist()
        left, top = face.landmarks[:, 0], face.landmarks[:, 1]
        points = np.stack([a * left + b * top + x, c * left + d * top + y], axis=1) * scale
        middle = (points.max(axis=0) + points.min(axis=0)) / 2
        hull = cv2.convexHull(as_f32(middle + (points - middle) * WIDER))
        drawn = np.zeros((DRAWN_PX, DRAWN_PX), np.uint8)
        corners = np.clip(np.rint(hull * 2**FRACTION_BITS), -(2**20), 2**20).astype(np.int32)
        cv2.fillConvexPoly(drawn, corners, (255,), cv2.LINE_AA, FRACTION_BITS)
        # Moved inwards by as much as it fades, so that it has faded out where the face ends.
        inside = cv2.erode(drawn, np.ones((5, 5), np.uint8))
        return self.bordered(as_u8(cv2.GaussianBlur(inside, (0, 0), FADE * DRAWN_PX)))

    def bordered(self, alpha: MaskU8) -> MaskU8:
        """Bring an alpha to the crop's size and fade it out towards the crop's border."""
        size = (self._side_px, self._side_px)
        fitted = as_u8(cv2.resize(alpha, size, interpolation=cv2.INTER_LINEAR)) if alpha.shape != size else alpha
        return as_u8(cv2.min(fitted, self._border))


def _border(side_px: int) -> MaskU8:
    inwards = np.minimum(np.arange(side_px), np.arange(side_px)[::-1]) / (BORDER * side_px)
    t = np.clip(inwards, 0, 1)
    ramp = t * t * (3 - 2 * t) * 255
    return as_u8(np.minimum(ramp[:, None], ramp) + 0.5)
