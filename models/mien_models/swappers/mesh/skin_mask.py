"""Which texels of a flattened photo are the face's own: neither hair, glasses and background, nor turned away."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import FEATURES, disc, face_topology, features_mask, filled
from mien_models.geometry.face_regions import BEARD, BROW_LEFT, BROW_RIGHT, FACE_CORE, LIPS_OUTER, OVAL
from mien_models.swappers.mesh.delight import SIDE_PX, Light, light_on, logarithm
from mien_models.swappers.mesh.glasses import NO_GLASSES, Glasses, hidden_by_glasses
from mien_models.types import MaskU8, as_f32, as_u8

DARKER: Final = 3.2
"""How far below skin in the same light counts as hair, in its standard deviations."""
BRIGHTER: Final = 4.0
"""How far above it counts as background, grey hair or hair with light behind it."""
SHINY_FROM: Final = 0.06
"""Farther inside the outline than this, in parts of the atlas' side, what is bright is taken for shine on skin."""
OFF_COLOUR: Final = 3.2
"""How far from the skin's own hue counts as something else, in its standard deviations."""
SPREAD: Final = ((0.09, 0.15), (0.05, 0.08))
"""Between which bounds the standard deviations of skin's brightness and of its hue are believed, in logarithms."""
STRANDS: Final = 0.13
"""Finer variation of brightness than this is hair, a logarithm; skin outside the face's core is smoother."""
FLUSH: Final = np.array([-1, -1, 2], np.float32) / np.float32(np.sqrt(6))
"""The way in which cheeks and noses are redder than the rest of the skin: blue, green and red, logarithms."""
FLUSHED_MORE: Final = 0.6
"""Part of that redness that is no sign of anything but skin."""
STRANGE: Final = 10.0
"""Farther than this, in the same measure, no skin is, shiny or flushed: something covers the face's core, too."""
PERHAPS: Final = (1.3, 0.055)
"""Beside hair, what is darker than skin by so many standard deviations and varies so much is hair, too."""
BEARD_STRANDS: Final = 0.055
"""So much fine variation on chin and upper lip is a beard; three portraits with one had 0.061 or more, eleven less than
0.048."""
BEARD_DARKER: Final = 0.3
"""A chin and upper lip darker by this than skin in the same light, a logarithm, grow one, too."""
BEARD_HALF_WIDTH: Final = 0.28
"""How far from the middle a beard may grow, in parts of the atlas' side; what is dark further out is hair."""
HAIR_OVER_JAW: Final = 0.03
"""How far long hair may reach over the chin from below, in parts of the atlas' side."""
HAIR_INTO_CORE: Final = 0.045
"""How far hair that lies beside the face's core may reach into it, in parts of the atlas' side."""
WELL_SEEN: Final = (0.12, 0.40)
"""How much a texel must face the photo's camera: below the first it is not taken at all, above the second fully."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnSkin:
    """What of a photo can be used."""

    trust: NDArray[np.float32]
    """(SIDE_PX, SIDE_PX) how much each texel is to be believed, 0..1."""
    hidden: MaskU8
    """(SIDE_PX, SIDE_PX) 255 where hair or something else hides the face."""
    glasses: MaskU8
    """(SIDE_PX, SIDE_PX) 255 on the rims of glasses, and on lenses that hide the eyes."""
    light: Light
    """The photo's own light."""
    has_beard: bool


def own_skin(bgr: NDArray[np.float32], seen: NDArray[np.float32], glasses: Glasses = NO_GLASSES) -> OwnSkin:
    """Find what is the face's own.

    The core of the face (brows, eyes, nose, mouth) and a beard belong to the face.

    Args:
        bgr: (SIDE_PX, SIDE_PX, 3) the photo laid flat, 0..255.
        seen: (SIDE_PX, SIDE_PX) how much each texel faces the photo's camera, 0..1.
        glasses: those that were seen on the photo.
    """
    log_bgr = logarithm(bgr)
    facing = as_f32(np.clip((seen - WELL_SEEN[0]) / (WELL_SEEN[1] - WELL_SEEN[0]), 0, 1))
    light = light_on(log_bgr, as_f32(facing * (filled((FACE_CORE,), SIDE_PX) > 0))).colourless
    # What hides the face can only be seen in the right light, and the light only on what is not hidden.
    hidden, _ = _hidden(log_bgr, light, facing)
    light = light_on(log_bgr, as_f32(facing * (hidden == 0)))
    hidden, has_beard = _hidden(log_bgr, light, facing)
    light = light_on(log_bgr, as_f32(facing * (hidden == 0)))
    rims = hidden_by_glasses(as_u8(np.clip(bgr, 0, 255)), glasses)
    free, rimless = (
        np.clip(1 - 1.5 / 255 * as_f32(cv2.GaussianBlur(mask, (0, 0), 2.5)), 0, 1) for mask in (hidden, rims)
    )
    trust = as_f32(_around_the_nose(as_f32(facing * free)) * rimless)
    return OwnSkin(trust, hidden, rims, light, has_beard)


def _around_the_nose(trust: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep what hangs together with the middle of the face: an ear behind hair, seen alone, is of no use."""
    labels = _components(np.where(trust > 0.3, 255, 0).astype(np.uint8))
    middle = labels[filled((FACE_CORE,), SIDE_PX) > 0]
    main = int(np.bincount(middle[middle > 0]).argmax()) if (middle > 0).any() else 0
    kept = as_f32(cv2.GaussianBlur(as_f32(labels == main), (0, 0), 1.5)) if main else np.ones_like(trust)
    return as_f32(trust * kept)


def _hidden(log_bgr: NDArray[np.float32], light: Light, facing: NDArray[np.float32]) -> tuple[MaskU8, bool]:
    """Mark hair and background, and say whether a beard was seen."""
    off = log_bgr - light.log_shading - light.log_skin
    brightness = off.mean(axis=2)
    hue = off - brightness[..., None]
    sample = (_sure_skin() > 0) & (facing > 0.5)
    if np.count_nonzero(sample) < 50:
        sample = facing > 0.5
    hue -= np.median(hue[sample], axis=0)
    dark, colour = (
        _deviation(values[sample], bounds) for values, bounds in zip((brightness, hue), SPREAD, strict=True)
    )
    odd = (brightness < -DARKER * dark) | ((brightness > BRIGHTER * dark) & (_near_outline() > 0))
    shiny = (brightness > dark) & (_near_outline() == 0)  # shine has the light's hue, not the skin's
    flushed = np.maximum(hue @ FLUSH, 0)
    off_colour = np.linalg.norm(hue - FLUSHED_MORE * flushed[..., None] * FLUSH, axis=2) / colour
    odd |= off_colour > np.where(shiny, STRANGE, OFF_COLOUR)
    grey = as_f32(log_bgr.mean(axis=2))
    fine = grey - as_f32(cv2.GaussianBlur(grey, (0, 0), 2.0))
    strands = np.sqrt(as_f32(cv2.GaussianBlur(as_f32(np.square(fine)), (0, 0), 3.0)))
    odd |= strands > STRANDS
    chin = (filled((BEARD,), SIDE_PX) > 0) & (_lips() == 0) & (facing > 0.5)
    has_beard = bool(chin.any()) and bool(
        np.median(strands[chin]) > BEARD_STRANDS or np.median(brightness[chin]) < -BEARD_DARKER
    )
    strange = np.where((off_colour > STRANGE) & (features_mask(SIDE_PX, 0.02) == 0), 255, 0).astype(np.uint8)
    strange = as_u8(cv2.morphologyEx(strange, cv2.MORPH_OPEN, disc(9)))
    likely = (brightness < -PERHAPS[0] * dark) & (strands > PERHAPS[1])
    return _grown(odd, likely, has_beard=has_beard) | as_u8(cv2.dilate(strange, disc(25))), has_beard


def _grown(odd: NDArray[np.bool_], likely: NDArray[np.bool_], *, has_beard: bool) -> MaskU8:
    """Keep what is odd around the core, without specks, and follow it a little way into the core.

    What is only likely to be hair counts where it hangs together with what surely is.
    """
    around = _around_core(has_beard=has_beard)
    found = np.where(odd, 255, 0).astype(np.uint8)
    closed = as_u8(cv2.morphologyEx(found, cv2.MORPH_CLOSE, disc(15)))  # strands that shine like skin
    hair = as_u8(cv2.morphologyEx(closed & around, cv2.MORPH_OPEN, disc(5)))
    fainter = as_u8(cv2.morphologyEx(np.where(likely, 255, 0).astype(np.uint8), cv2.MORPH_CLOSE, disc(5)))
    hair |= _joined_to(hair, as_u8(cv2.morphologyEx(fainter & around, cv2.MORPH_OPEN, disc(3))))
    found |= fainter
    into = as_u8(cv2.dilate(hair, disc(2 * round(HAIR_INTO_CORE * SIDE_PX) + 1)))
    kept = _features_beside_hair() | (_beard_grows() if has_beard else np.zeros_like(hair))
    joined = _joined_to(hair, as_u8(cv2.morphologyEx(found & into & ~kept, cv2.MORPH_OPEN, disc(3))))
    grown = as_u8(cv2.dilate(joined, disc(13)))
    # Hair over one brow: the other one serves. Over both: that is how the brows are.
    brows = as_u8(filled((BROW_LEFT, BROW_RIGHT), SIDE_PX) & grown & ~grown[:, ::-1])
    return as_u8((grown & ~features_mask(SIDE_PX, 0.0)) | brows)


def _joined_to(hair: MaskU8, more: MaskU8) -> MaskU8:
    """Mark hair, and of the rest what hangs together with it."""
    labels = _components(hair | more)
    return np.where(np.isin(labels, np.unique(labels[hair > 0])), 255, 0).astype(np.uint8)


def _components(mask: MaskU8) -> NDArray[np.intp]:
    """Number what hangs together, from 1; 0 is nothing."""
    return np.asarray(cv2.connectedComponents(mask)[1], np.intp)


def _deviation(values: NDArray[np.float32], bounds: tuple[float, float]) -> float:
    """Give a standard deviation that outliers do not move, between bounds."""
    distances = np.abs(values) if values.ndim == 1 else np.linalg.norm(values, axis=1)
    # 1.4826 turns a median deviation into a standard deviation of a normal distribution.
    return float(np.clip(1.4826 * np.median(distances), *bounds))


@cache
def _sure_skin() -> MaskU8:
    """Mark skin that is seen in nearly every photo."""
    return filled((FACE_CORE,), SIDE_PX) & ~features_mask(SIDE_PX, 0.02) & ~filled((BEARD,), SIDE_PX)


@cache
def _lips() -> MaskU8:
    return as_u8(cv2.dilate(filled((LIPS_OUTER,), SIDE_PX), disc(7)))


@cache
def _features_beside_hair() -> MaskU8:
    """Mark what hair that reaches into the core leaves: lashes, wide around eyes; brows, beside which it hangs down."""
    brows = filled((BROW_LEFT, BROW_RIGHT), SIDE_PX)
    others = filled(tuple(outline for outline in FEATURES if outline not in (BROW_LEFT, BROW_RIGHT)), SIDE_PX)
    wide = as_u8(cv2.dilate(others, disc(2 * round(0.012 * SIDE_PX) + 1)))
    return wide | as_u8(cv2.dilate(brows, disc(3)))


@cache
def _near_outline() -> MaskU8:
    """Mark where something bright is no shine on skin: near the outline and beyond it."""
    return ~as_u8(cv2.erode(filled((OVAL,), SIDE_PX), disc(2 * round(SHINY_FROM * SIDE_PX) + 1)))


@cache
def _beard_grows() -> MaskU8:
    """Where a beard may grow: below the nose, well inside the outline."""
    below_nose = int(face_topology().atlas[2, 1] * SIDE_PX)
    inside = as_u8(cv2.erode(filled((OVAL,), SIDE_PX), disc(2 * round(HAIR_OVER_JAW * SIDE_PX) + 1)))
    inside[:, : round((0.5 - BEARD_HALF_WIDTH) * SIDE_PX)] = 0
    inside[:, round((0.5 + BEARD_HALF_WIDTH) * SIDE_PX) :] = 0
    inside[:below_nose] = 0
    return inside


@cache
def _around_core(*, has_beard: bool) -> MaskU8:
    """Mark where hair may lie over the face: all but its core and a beard."""
    core = filled((FACE_CORE,), SIDE_PX)
    return as_u8(~(core | _beard_grows()) if has_beard else ~core)
