"""Skin for what no photo shows: the face's other half where that is known, else the skin around."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import features_mask
from mien_models.swappers.mesh.delight import SIDE_PX
from mien_models.swappers.mesh.diffuse import spread
from mien_models.types import as_f32

BORDER: Final = 0.015
"""How wide the border of what is hidden is, in parts of the atlas' side."""
FAR: Final = 0.1
"""So far from all that is known, in parts of the atlas' side, the face's typical skin is taken."""


def fill_hidden(log_bgr: NDArray[np.float32], trust: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give a copy in which what is not to be trusted is filled.

    The other half is brought to the tone of the near one: the difference of both, where both are known, is spread.

    Args:
        log_bgr: (n, n, 3) the face laid flat, in logarithms.
        trust: (SIDE_PX, SIDE_PX) how much each texel is to be believed, 0..1.
    """
    side_px = len(log_bgr)
    small = resized(log_bgr, SIDE_PX)
    other = small[:, ::-1]
    other_trust = as_f32(trust[:, ::-1])
    tone = spread(as_f32(small - other), as_f32(trust * other_trust), finest_px=4.0)
    matched = as_f32(other + tone)
    known = as_f32(trust + (1 - trust) * other_trust)
    joined = as_f32(small * trust[..., None] + matched * ((1 - trust) * other_trust)[..., None])
    joined = as_f32(joined / np.maximum(known, 1e-3)[..., None])
    # What lies at the border of the hidden is half hair: only what is well inside gives its tone away.
    inner = as_f32(np.clip(as_f32(cv2.GaussianBlur(known, (0, 0), BORDER * SIDE_PX)) * 2 - 1, 0, 1) * known)
    inner = as_f32(inner * (features_mask(SIDE_PX, 0.012) == 0))
    around = spread(joined, as_f32(inner + 0.02 * known))
    near = as_f32(cv2.GaussianBlur(inner, (0, 0), FAR * SIDE_PX))[..., None]
    sure = inner > 0.5 if (inner > 0.5).any() else known >= known.max()
    typical = np.median(joined[sure], axis=0)
    around = as_f32(typical + np.clip(6 * near, 0, 1) * (around - typical))
    fine_other = log_bgr[:, ::-1] + resized(tone, side_px)
    weight, other_weight = (resized(share, side_px)[..., None] for share in (trust, other_trust))
    filling = fine_other * other_weight + resized(around, side_px) * (1 - other_weight)
    return as_f32(log_bgr * weight + filling * (1 - weight))


def resized(image: NDArray[np.float32], side_px: int) -> NDArray[np.float32]:
    """Bring an atlas to another side."""
    if len(image) == side_px:
        return image
    interpolation = cv2.INTER_AREA if len(image) > side_px else cv2.INTER_LINEAR
    return as_f32(cv2.resize(image, (side_px, side_px), interpolation=interpolation))
