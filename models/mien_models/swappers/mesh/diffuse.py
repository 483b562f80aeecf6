"""Colours spread from where they are known to where they are not, without a seam."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.types import as_f32

ENOUGH: Final = 3.0
"""Where a blur of the weights reaches one in so many, what it found nearby is enough, and nothing farther is asked."""


def spread(values: NDArray[np.float32], weight: NDArray[np.float32], *, finest_px: float = 2.0) -> NDArray[np.float32]:
    """Fill what has no weight from its surroundings, the nearest first.

    Blurs of doubling width, each of which answers where the narrower ones found too little.

    Args:
        values: (n, n, c) numbers, of which those without weight are not looked at.
        weight: (n, n) how much each is to be believed, 0..1.
        finest_px: width of the narrowest blur, a standard deviation.

    Returns:
        (n, n, c) as smooth as the blur that answered.
    """
    known = as_f32(values * weight[..., None])
    total, share = np.zeros_like(known), np.zeros_like(weight)
    sigma, scale = finest_px, 1.0
    while sigma <= len(values) / 4:
        # A wide blur of a small picture is the same as a wider one of a large picture, at a fraction of the time.
        side_px = max(16, int(len(values) * scale))
        wide_weight, wide = (_blurred(image, side_px, sigma * side_px / len(values)) for image in (weight, known))
        confidence = np.clip(wide_weight * ENOUGH, 0, 1) * (1 - share)
        total += wide / np.maximum(wide_weight, 1e-4)[..., None] * confidence[..., None]
        share += confidence
        sigma *= 2
        scale = min(1.0, 4.0 / sigma)
    left = 1 - share
    total += _mean(values, weight) * left[..., None]
    return as_f32(total)


def _mean(values: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    return as_f32((values * weight[..., None]).sum(axis=(0, 1)) / max(float(weight.sum()), 1e-3))


def _blurred(image: NDArray[np.float32], side_px: int, sigma: float) -> NDArray[np.float32]:
    whole_px = len(image)
    small = image if side_px == whole_px else cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA)
    wide = as_f32(cv2.GaussianBlur(small, (0, 0), sigma))
    if side_px == whole_px:
        return as_f32(wide.reshape(image.shape))
    enlarged = cv2.resize(wide, (whole_px, whole_px), interpolation=cv2.INTER_LINEAR)
    return as_f32(np.asarray(enlarged).reshape(image.shape))
