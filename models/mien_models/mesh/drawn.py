"""Contours of landmarks, drawn on the atlas."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.arrays import MaskU8, as_u8
from mien_models.mesh.regions import BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, LIPS_OUTER, NOSTRILS
from mien_models.mesh.topology import face_topology

FEATURES: Final = (BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, NOSTRILS, LIPS_OUTER)
"""What on a face is no plain skin."""


def filled(contours: tuple[tuple[int, ...], ...], side_px: int) -> MaskU8:
    """Draw contours of landmarks filled on an atlas; 255 inside."""
    mask = np.zeros((side_px, side_px), np.uint8)
    for contour in contours:
        corners = np.round(face_topology().atlas[list(contour)] * side_px - 0.5).astype(np.int32)
        cv2.fillPoly(mask, [corners], (255,))
    return mask


def features_mask(side_px: int, grow: float) -> MaskU8:
    """Mark brows, eyes, nostrils and lips on an atlas, grown by a part of its side; 255 where marked."""
    return as_u8(cv2.dilate(filled(FEATURES, side_px), disc(2 * round(grow * side_px) + 1)))


def disc(size_px: int) -> NDArray[np.uint8]:
    """Make a round kernel for growing and shrinking masks."""
    return as_u8(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size_px, size_px)))
