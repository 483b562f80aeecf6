"""What an expression does to skin: folds that come and go on the target come and go on the swapped face.

A fold is a change of the target's own look: its skin now, divided by its skin as it is on average, both laid flat on
the atlas and freed of coarse light. The swapped skin is multiplied by that quotient, the expression ratio image (Liu,
Shan and Zhang, "Expressive expression mapping with ratio images", 2001). What the target always has, its own features,
cancels out.
"""

from math import exp
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.unwrap import Unwrapped
from mien_models.types import as_f32

SIDE_PX: Final = 64
"""The atlas of expressions has this side: fine enough for a frown, coarse enough to forget noise and pores."""
COARSE: Final = 0.09
"""What is wider than this blur is light, in parts of the atlas' side (a standard deviation)."""
DARKEST: Final = 6.0
"""Added to both sides of a quotient, in 8-bit levels: in the dark, noise is no fold."""
SETTLING_S: Final = 4.0
"""Time over which the target's usual look is averaged: long beside an expression."""
BELIEVED_AFTER_S: Final = 0.7
"""What is usual is hardly known before; folds grow in with this time constant."""
TREMBLE: Final = 0.015
"""Smaller changes are landmarks and noise, not folds."""
RATIO_RANGE: Final = (0.5, 1.8)
STRENGTH: Final = 1.2
"""Folds a little stronger than the target's: what a coarse atlas blurs of them is given back."""


class ExpressionFilter:
    """Compares one target face with its own usual look; keeps that look."""

    def __init__(self) -> None:
        self._usual: NDArray[np.float32] | None = None
        self._looks = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        """How often each texel was seen."""
        self._seen_s = 0.0

    def change(self, now: Unwrapped, elapsed_s: float) -> NDArray[np.float32]:
        """Say by which part the skin is brighter (above 0) or darker than usual: (SIDE_PX, SIDE_PX).

        Args:
            now: the target's face in this frame, on an atlas of SIDE_PX.
            elapsed_s: since the last frame, in seconds.
        """
        relief = _relief(now)
        usual = relief.copy() if self._usual is None else self._usual
        self._looks += now.seen
        self._seen_s += elapsed_s
        share = now.seen * np.maximum(np.float32(min(elapsed_s / SETTLING_S, 1.0)), 1 / np.maximum(self._looks, 1))
        usual += share * (relief - usual)
        self._usual = usual
        off = np.clip(relief / np.maximum(usual, 0.05), *RATIO_RANGE) - 1
        believed = np.float32(STRENGTH * (1 - exp(-self._seen_s / BELIEVED_AFTER_S)))
        return as_f32((off - np.clip(off, -TREMBLE, TREMBLE)) * (believed * now.seen))


def _relief(face: Unwrapped) -> NDArray[np.float32]:
    """The face's brightness in parts of its surroundings' brightness."""
    grey = as_f32(cv2.cvtColor(face.bgr, cv2.COLOR_BGR2GRAY))
    fine = as_f32(cv2.GaussianBlur(grey, (0, 0), 0.7))
    wide = as_f32(cv2.GaussianBlur(grey, (0, 0), COARSE * SIDE_PX))
    return as_f32((fine + DARKEST) / (wide + DARKEST))
