"""Hair over the face: what is always there, reaches in from the hairline and is far from the face's own skin."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.stages.occlusion.features import zones
from mien_models.types import as_f32

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
