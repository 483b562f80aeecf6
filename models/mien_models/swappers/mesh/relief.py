"""What stands out of a photo's skin more than in soft light: shine, hard shadows, deep folds, seams; made gentler.

On another face in other light such a thing is no shadow any more but a stain.
"""

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import features_mask, filled
from mien_models.geometry.face_regions import BEARD, FACE_CORE, OVAL
from mien_models.swappers.mesh.delight import SIDE_PX
from mien_models.swappers.mesh.diffuse import spread
from mien_models.swappers.mesh.inpaint import resized
from mien_models.types import as_f32

COARSE: Final = 0.04
"""What stands out is finer than this blur of the skin, in parts of the atlas' side (a standard deviation)."""
HARD: Final = (0.2, 0.3)
"""Skin that stands out by less than the first was lit softly and has wide limits, from the second on narrow ones."""
NARROWEST: Final = 0.3
"""By this factor: likeness hangs on the relief, so only a hard photo gives that much less of it."""
DARKEST: Final = (0.7, 1.4)
"""No skin is left darker than the skin around it by more than the first, a natural logarithm; a nose's side is by 0.3.

Nor is a beard by more than the second.
"""
LIGHTEST: Final = (0.7, 1.4)
"""Nor is skin lighter by more than the first, nor a feature or a beard by more than the second."""
REDDEST: Final = (0.15, 0.6)
"""Nor are they of another hue by more."""


def relief(log_bgr: NDArray[np.float32], trust: NDArray[np.float32]) -> float:
    """Say how much a face's skin stands out: a standard deviation of a natural logarithm.

    Of twelve portraits in soft light 0.10 to 0.18; hard light, deep wrinkles and dirt reach 0.3 and more.

    Args:
        log_bgr: (SIDE_PX, SIDE_PX, 3) the photo laid flat, in logarithms.
        trust: (SIDE_PX, SIDE_PX) how much each texel is the face's own, 0..1.
    """
    skin = as_f32(trust * (_skin(has_beard=True) * filled((FACE_CORE,), SIDE_PX) > 0))
    off = log_bgr - spread(log_bgr, skin, finest_px=COARSE * SIDE_PX)
    return float(np.sqrt((np.square(off.mean(axis=2)) * skin).sum() / max(float(skin.sum()), 1.0)))


def gentler(log_bgr: NDArray[np.float32], stands_out: float, *, has_beard: bool) -> NDArray[np.float32]:
    """Give a copy in which nothing of the skin stands out more than in soft light, and nothing glows.

    Args:
        log_bgr: (n, n, 3) a whole face laid flat, in logarithms.
        stands_out: what `relief` says of it; what stands out much is held to narrower limits.
        has_beard: whether chin and upper lip may be much darker.
    """
    small = resized(log_bgr, SIDE_PX)
    skin = _skin(has_beard=has_beard)
    off = as_f32(small - spread(small, skin, finest_px=COARSE * SIDE_PX))
    brightness = off.mean(axis=2)
    hue = off - brightness[..., None]
    narrower = np.float32(np.interp(stands_out, HARD, (1.0, NARROWEST)))
    lightest, reddest = (
        narrower * (of_feature + skin * (of_skin - of_feature)) for of_skin, of_feature in (LIGHTEST, REDDEST)
    )
    beard = _skin(has_beard=False) - skin
    dark = sum(
        share * (_limited(brightness, narrower * np.float32(most)) - brightness)
        for share, most in zip((skin, beard), DARKEST, strict=True)
    )
    changed = np.where(brightness < 0, dark, _limited(brightness, lightest) - brightness)
    strength = np.linalg.norm(hue, axis=2)
    fainter = _limited(strength, reddest) / np.maximum(strength, 1e-6) - 1
    change = as_f32(changed[..., None] + hue * fainter[..., None])
    return as_f32(log_bgr + resized(change, len(log_bgr)))


def _limited(values: NDArray[np.float32], most: NDArray[np.float32] | np.float32) -> NDArray[np.float32]:
    """Bend values so that none is farther from 0 than `most`."""
    return as_f32(most * np.tanh(values / most))


@cache
def _skin(*, has_beard: bool) -> NDArray[np.float32]:
    """1 on skin, 0 on features, with a soft border."""
    skin = filled((OVAL,), SIDE_PX) & ~features_mask(SIDE_PX, 0.012)
    if has_beard:
        skin &= ~filled((BEARD,), SIDE_PX)
    return as_f32(as_f32(cv2.GaussianBlur(skin, (0, 0), 1.5)) / 255)
