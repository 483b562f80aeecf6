"""How a face looks at every texel of its atlas, in numbers that the light's strength does not change; and its hair."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import filled
from mien_models.geometry.face_regions import (
    BEARD,
    BROW_LEFT,
    BROW_RIGHT,
    EYE_LEFT,
    EYE_RIGHT,
    FACE_CORE,
    LIPS_INNER,
    LIPS_OUTER,
    NOSTRILS,
    OVAL,
)
from mien_models.types import BgrU8, as_f32, as_u8

SIDE_PX: Final = 64
"""The atlas of masks has this side: a finger is three texels wide."""
DARKEST: Final = 8.0
"""Added to every level before its logarithm: in the dark, noise is no difference."""
FINE: Final = 0.7
"""Noise and pores are blurred away, in texels (a standard deviation)."""
CHANNELS: Final = 4
"""Brightness, red against green, blue against green; the last is kept for structure."""
BRIGHT: Final = 0
STRUCTURE: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """What is where on the atlas; each (SIDE_PX, SIDE_PX)."""

    face: NDArray[np.bool_]
    """Inside the mesh's outline."""
    evidence: NDArray[np.float32]
    """0..1, how much a texel's look says: nothing in the eyes, the open mouth and right at the outline."""
    tolerance: NDArray[np.float32]
    """Differences count less by this factor, 1 and more: where expressions change the look."""
    skin: NDArray[np.bool_]
    """Bare skin of nearly everybody: cheeks, nose and the middle of the forehead."""
    hairline: NDArray[np.float32]
    """0..1, where hair may lie over the face: forehead and sides, not brows, eyes, beard."""


@cache
def zones() -> Zones:
    """Draw the zones, once."""
    face = _grown((OVAL,), -0.02)
    mute = _grown((EYE_LEFT, EYE_RIGHT), 0.025) | _grown((LIPS_INNER,), 0.015) | ~_grown((OVAL,), -0.05)
    lively = _grown((LIPS_OUTER, BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT), 0.06)
    cheeks = _grown((LIPS_OUTER,), 0.13)
    livelier = _grown((LIPS_OUTER, EYE_LEFT, EYE_RIGHT), 0.025)
    tolerance = 1 + 0.25 * cheeks + 0.3 * lively + 0.5 * livelier
    features = _grown((BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, LIPS_OUTER, NOSTRILS), 0.02)
    skin = _grown((FACE_CORE,), 0.0) & ~features & ~_grown((BEARD,), 0.0)
    hairline = face & ~_grown((FACE_CORE,), 0.02) & ~_grown((BEARD,), 0.05)
    rows = np.arange(SIDE_PX)[:, None]
    # Below the mouth's corners, what is dark at the side is a beard.
    hairline &= rows < 0.62 * SIDE_PX
    return Zones(
        face=face,
        evidence=_soft(~mute & face, 0.8),
        tolerance=_soft(tolerance, 1.5),
        skin=skin,
        hairline=_soft(hairline, 1.0),
    )


def look_of(bgr: BgrU8) -> NDArray[np.float32]:
    """Give (n, n, CHANNELS) of a face laid flat: in logarithms: a stronger light adds the same everywhere."""
    levels = as_f32(cv2.GaussianBlur(bgr.astype(np.float32), (0, 0), FINE))
    logs = as_f32(cv2.log(levels + DARKEST))
    blue, green, red = (as_f32(channel) for channel in cv2.split(logs))
    bright = (red + green * 2 + blue) * 0.25
    return as_f32(cv2.merge([bright, red - green, blue - green, np.zeros_like(bright)]))


def _grown(contours: tuple[tuple[int, ...], ...], by: float) -> NDArray[np.bool_]:
    """Contours of landmarks filled and grown by a part of the atlas' side, or shrunk if negative."""
    side_px = 4 * SIDE_PX
    mask = filled(contours, side_px)
    size = 2 * round(abs(by) * side_px) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    grown = cv2.dilate(mask, disc) if by >= 0 else cv2.erode(mask, disc)
    return as_u8(cv2.resize(grown, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)) > 127


def _soft(mask: NDArray[np.bool_] | NDArray[np.float64], sigma: float) -> NDArray[np.float32]:
    return as_f32(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma))


DARK: Final = (0.7, 1.1)
"""How far below the skin's brightness hair is, in logarithms: half as bright begins to be hair, a third is."""
PALE: Final = (0.35, 0.6)
"""Which part of the skin's redness (red against green) it must lack to be hair and no shadow on skin."""
LEAST_RED: Final = 0.05
"""Skin in a picture without colours is no redder than hair: what is dark there is hair."""


def hair_share(look: NDArray[np.float32]) -> NDArray[np.float32]:
    """Say how much of each texel is hair, 0..1, from the mean look of some time."""
    skin = np.median(look[zones().skin], axis=0)
    dark = np.clip((skin[0] - look[..., 0] - DARK[0]) / (DARK[1] - DARK[0]), 0, 1)
    lacking = 1 - look[..., 1] / max(float(skin[1]), LEAST_RED)
    pale = np.clip((lacking - PALE[0]) / (PALE[1] - PALE[0]), 0, 1)
    share = as_f32(dark * pale * zones().hairline)
    return as_f32(cv2.GaussianBlur(share, (0, 0), 0.8))
