"""The light of the frame and the folds of an expression, on the source's skin.

A face's picture is taken as skin times light, and light as what is left when the picture is blurred over a sixth of the
face. The photo's own light is divided out, the target's multiplied in. A fold is a change of the target's own look: its
skin now, divided by its skin as it is on average, freed of coarse light; the swapped skin is multiplied by that,
the expression ratio image (Liu and others, "Expressive expression mapping with ratio images", 2001). Both are compared
on the atlas, where a cheek is always in the same place, so that they can be smoothed in time while the head moves.
"""

from functools import cache
from math import exp
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import Unwrapped, disc, features_mask, filled
from mien_models.geometry.face_regions import BEARD, EYE_LEFT, EYE_RIGHT, FACE_CORE, OVAL
from mien_models.swappers.mesh.texture import FaceTexture
from mien_models.types import BgrU8, as_f32, as_u8

SIDE_PX: Final = 32
"""The atlas of light has this side; light is coarse."""
BLUR: Final = 0.075
"""Width of the blur that separates light from skin, in parts of the atlas' side (a standard deviation)."""
SETTLING_S: Final = 0.25
"""Time constant with which a change of light is followed, in seconds."""
DARK: Final = (0.2, 0.25)
"""What is darker than the first, in parts of the face's typical brightness, is taken for hair, not for shadow.

The second is the width of the passage between them.
"""
SETTLED: Final = 0.03
"""Changes of this part of the light over half of the face settle twice as fast, three times this ten times as fast.

In real clips noise, speech and hands change it by 0.003 to 0.02 a look, and a lamp from the side by 0.2.
"""
GAIN_RANGE: Final = (0.25, 3.0)
"""What light may do to the photo's skin at any place."""


@cache
def skin_weight() -> NDArray[np.float32]:
    """Give (SIDE_PX, SIDE_PX): 1 on skin, 0 on brows, eyes, nostrils, where a beard grows and outside the face."""
    skin = filled((OVAL,), 256) & ~features_mask(256, 0.02) & ~filled((BEARD,), 256)
    return as_f32(cv2.resize(skin, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA) / 255)


@cache
def _core_skin() -> NDArray[np.bool_]:
    """Say where skin is hardly ever under hair."""
    core = cv2.resize(filled((FACE_CORE,), 256), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    inside: NDArray[np.bool_] = (skin_weight() > 0.5) & (as_f32(core) > 127)
    return inside


def target_light(face: Unwrapped) -> NDArray[np.float32]:
    """Give the coarse light on a target's face: (SIDE_PX, SIDE_PX, 3), 0..255, spread over the whole atlas."""
    seen_bgr = _small(face.bgr)
    weight = skin_weight() * _small(face.seen)
    brightness = seen_bgr.mean(axis=2)
    typical = np.median(brightness[weight > 0.5]) if (weight > 0.5).any() else brightness.max()
    lit = np.clip(brightness / max(float(typical), 1.0) / DARK[1] - DARK[0] / DARK[1], 0.03, 1)
    return coarse(seen_bgr, as_f32(weight * lit))


def texture_light(texture: FaceTexture) -> NDArray[np.float32]:
    """Give the coarse light that is in the photo itself: (SIDE_PX, SIDE_PX, 3), 0..255."""
    return coarse(_small(texture.bgr), skin_weight())


def coarse(bgr: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blur over the weighted texels only; where there are none near, the wider surroundings answer."""
    colour = bgr * weight[..., None]
    total, share = np.zeros_like(bgr), np.zeros_like(weight)
    for sigma in (BLUR * SIDE_PX, 3 * BLUR * SIDE_PX):
        wide = as_f32(cv2.GaussianBlur(weight, (0, 0), sigma))
        confidence = np.clip(wide * 4, 0.02, 1) * (1 - share)
        blurred = as_f32(cv2.GaussianBlur(colour, (0, 0), sigma)) / np.maximum(wide, 1e-3)[..., None]
        total += blurred * confidence[..., None]
        share += confidence
    return as_f32(total / share[..., None])


class LightFilter:
    """Follows the light on one face; keeps the last gain."""

    def __init__(self, own_light: NDArray[np.float32]) -> None:
        self._own_light = np.maximum(own_light, 4)
        self._gain: NDArray[np.float32] | None = None
        self.is_changing = False
        """Whether a lamp moves: then every frame counts."""

    def added(self, light: NDArray[np.float32], elapsed_s: float) -> NDArray[np.float32]:
        """Give what is added to the photo's skin: (SIDE_PX, SIDE_PX, 3) for B, G and R, in 8-bit levels.

        It turns the photo's own light into the target's, scaled to the photo's tone: the tone is the colour method's.

        Args:
            light: (SIDE_PX, SIDE_PX, 3) the coarse light of the target in this frame.
            elapsed_s: since the last frame, in seconds.
        """
        ratio = light / self._own_light
        # The median of the core: a fringe over the target's forehead must not brighten its cheeks.
        tone = np.median(ratio[_core_skin()], axis=0)
        now = as_f32(np.clip(ratio / np.maximum(tone, 1e-3), *GAIN_RANGE))
        before = now if self._gain is None else self._gain
        changed = float(np.median(np.abs(now - before)[skin_weight() > 0.5]))
        haste = 1 + (changed / SETTLED) ** 2
        self.is_changing = changed > SETTLED
        smoothed = as_f32(before + np.float32(1 - exp(-elapsed_s * haste / SETTLING_S)) * (now - before))
        self._gain = smoothed
        return as_f32(self._own_light * (smoothed - 1))


def _small(image: BgrU8 | NDArray[np.float32]) -> NDArray[np.float32]:
    return as_f32(cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA))


FOLDS_PX: Final = 64
"""The atlas of expressions has this side: fine enough for a frown, coarse enough to forget noise and pores."""
COARSE: Final = 0.09
"""What is wider than this blur is light, in parts of the atlas' side (a standard deviation)."""
DARKEST: Final = 6.0
"""Added to both sides of a quotient, in 8-bit levels: in the dark, noise is no fold."""
USUAL_S: Final = 4.0
"""Time over which the target's usual look is averaged: long beside an expression."""
BELIEVED_AFTER_S: Final = 0.7
"""What is usual is hardly known before; folds grow in with this time constant."""
TREMBLE: Final = 0.015
"""Smaller changes are landmarks and noise, not folds."""
RATIO_RANGE: Final = (0.5, 1.8)
STRENGTH: Final = 1.2
"""Folds a little stronger than the target's: what a coarse atlas blurs of them is given back."""


LASHES: Final = 0.022
"""So far from open eyes lashes reach when they are closed, in parts of the atlas' side."""


class ExpressionFilter:
    """Compares one target face with its own usual look; keeps that look."""

    def __init__(self) -> None:
        self._usual: NDArray[np.float32] | None = None
        self._looks = np.zeros((FOLDS_PX, FOLDS_PX), np.float32)
        """How often each texel was seen."""
        self._seen_s = 0.0

    def change(self, now: Unwrapped, elapsed_s: float) -> NDArray[np.float32]:
        """Say by which part the skin is brighter (above 0) or darker than usual: (FOLDS_PX, FOLDS_PX).

        Args:
            now: the target's face in this frame, on an atlas of FOLDS_PX.
            elapsed_s: since the last frame, in seconds.
        """
        relief = _relief(now)
        usual = relief.copy() if self._usual is None else self._usual
        self._looks += now.seen
        self._seen_s += elapsed_s
        share = now.seen * np.maximum(np.float32(min(elapsed_s / USUAL_S, 1.0)), 1 / np.maximum(self._looks, 1))
        usual += share * (relief - usual)
        self._usual = usual
        off = np.clip(relief / np.maximum(usual, 0.05), *RATIO_RANGE) - 1
        believed = np.float32(STRENGTH * (1 - exp(-self._seen_s / BELIEVED_AFTER_S)))
        return as_f32((off - np.clip(off, -TREMBLE, TREMBLE)) * (believed * now.seen * _beside_eyes()))


@cache
def _beside_eyes() -> NDArray[np.float32]:
    """Say where no lid and no lash comes to lie, which are no folds: (FOLDS_PX, FOLDS_PX), 0..1."""
    lids = as_u8(cv2.dilate(filled((EYE_LEFT, EYE_RIGHT), 256), disc(2 * round(LASHES * 256) + 1)))
    soft = as_f32(cv2.GaussianBlur(as_f32(lids) / 255, (0, 0), 0.01 * 256))
    return as_f32(1 - cv2.resize(soft, (FOLDS_PX, FOLDS_PX), interpolation=cv2.INTER_AREA))


def _relief(face: Unwrapped) -> NDArray[np.float32]:
    """The face's brightness in parts of its surroundings' brightness."""
    grey = as_f32(cv2.cvtColor(face.bgr, cv2.COLOR_BGR2GRAY))
    fine = as_f32(cv2.GaussianBlur(grey, (0, 0), 0.7))
    wide = as_f32(cv2.GaussianBlur(grey, (0, 0), COARSE * FOLDS_PX))
    return as_f32((fine + DARKEST) / (wide + DARKEST))
