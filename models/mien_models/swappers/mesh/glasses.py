"""Glasses on a face laid flat: whether there are some, what of the face they hide, and what is in front of it."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import disc, face_topology, filled
from mien_models.geometry.face_regions import BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, FACE_CORE
from mien_models.networks.eyewear import EyewearLook
from mien_models.networks.rims import BAND
from mien_models.swappers.mesh.delight import SIDE_PX
from mien_models.types import BgrU8, MaskU8, as_u8

BELIEVED: Final = 0.5
"""So sure the network must be of glasses."""
DARK: Final = 0.4
"""So sure of lenses that hide the eyes."""
LENS: Final = 0.085
"""How far around the eyes a dark lens reaches, in parts of the atlas' side."""
OF_SKIN: Final = 0.75
"""A dark lens is darker than this part of the skin's lightness."""
CLOSED: Final = 0.02
"""Reflections in it are at most this large, in parts of the atlas' side."""
LINE: Final = 15 / 256
"""A line is at most this wide, in parts of the atlas' side."""
THIN_LINE: Final = 7 / 256
"""One over a brow, where it counts as in front of it."""
DARKER: Final = 17
"""How much darker than the skin around it a thin line must be, in 8-bit lightness."""
SURELY_DARKER: Final = 22
"""Lines so much darker tell how dark the rims are."""
LIGHTER: Final = 26
"""How much lighter it may be instead: rims of metal shine."""
SHINES: Final = 8
"""So much lighter than the face's skin metal is: the skin between a dark rim and an eye is a light line, too."""
OF_RIMS: Final = 0.36
"""A line has at least this part of the contrast that the clearest lines have."""
MIXED: Final = 0.6
"""Rims are of metal that shines where so many times as many lines are light as dark; else light ones are skin."""
CLEAREST: Final = 70
"""Of lines, those farther from the skin's colour than so many percent say which colour the rims have."""
AS_RIMS: Final = 0.4
"""A rim has at least so much of the way from the skin's colour to that."""
LIDS: Final = 0.016
"""So near to an eye a line is a lid's or its lashes', in parts of the atlas' side."""
DARKER_THAN_BROW: Final = 25
"""A rim is told from a brow that it crosses where it is darker by twice this; else the brow is left alone."""
RIM_LENGTH: Final = 0.07
"""A piece of rim is at least this long, in parts of the atlas' side."""


@dataclass(frozen=True, slots=True)
class Glasses:
    """Whether a face wears some."""

    are_worn: bool
    are_dark: bool
    """Whether their lenses hide the eyes."""


NO_GLASSES: Final = Glasses(are_worn=False, are_dark=False)


def glasses_of(look: EyewearLook) -> Glasses:
    """Decide by what the network saw."""
    worn = look.worn > BELIEVED
    return Glasses(are_worn=worn, are_dark=worn and look.dark > DARK)


def hidden_by_glasses(bgr: BgrU8, glasses: Glasses) -> MaskU8:
    """Mark what glasses hide of a face laid flat: rims with a margin, and dark lenses; 255 where marked."""
    if not glasses.are_worn:
        return np.zeros(bgr.shape[:2], np.uint8)
    rims = _rims(bgr, over_brows=False)
    if glasses.are_dark:
        rims |= _behind_lenses()
    return as_u8(cv2.dilate(rims, disc(5)))


def dark_lenses(band_bgr: BgrU8) -> MaskU8:
    """Mark lenses as far as they are dark, on the band of the atlas around the eyes; 255 where marked."""
    around = _behind_lenses()[BAND]
    lightness = as_u8(cv2.cvtColor(band_bgr, cv2.COLOR_BGR2LAB)[..., 0])
    skin = (_around_eyes() & filled((FACE_CORE,), SIDE_PX))[BAND] & ~around
    limit = OF_SKIN * float(np.median(lightness[skin > 0]))
    dark = np.where(lightness < limit, 255, 0).astype(np.uint8) & around
    lenses = as_u8(cv2.morphologyEx(dark, cv2.MORPH_CLOSE, disc(2 * round(CLOSED * SIDE_PX) + 1)))
    return as_u8(cv2.morphologyEx(lenses, cv2.MORPH_OPEN, disc(7)))


def _rims(bgr: BgrU8, *, over_brows: bool) -> MaskU8:
    """Mark rims, bridge and temples, where it is known that there are some; elsewhere they would be wrinkles.

    Brows that a rim does not clearly cover stay unmarked, but for thin lines where these are asked for.
    """
    lightness = as_u8(cv2.cvtColor(bgr, cv2.COLOR_BGR2LAB)[..., 0])
    dark, light = (_lines(bgr, how, round(LINE * SIDE_PX) | 1) for how in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT))
    brows = _brows()
    near = _around_eyes() & ~as_u8(cv2.dilate(_eyes(), disc(2 * round(LIDS * SIDE_PX) + 1)))
    light[lightness <= _of_skin(lightness, beside=_eyes()) + SHINES] = 0
    inside = (near & filled((FACE_CORE,), SIDE_PX) & ~brows) > 0
    is_dark, is_light = (
        line > _fainter_than_rims(line[inside], least) for line, least in ((dark, DARKER), (light, LIGHTER))
    )
    if np.count_nonzero(is_light & inside) < MIXED * np.count_nonzero(is_dark & inside):
        is_light[:] = False
    rims = np.where(is_dark | is_light, 255, 0).astype(np.uint8) & near
    if over_brows:  # what is too thin for a brow
        least = _fainter_than_rims(dark[inside], DARKER)
        thin = _lines(bgr, cv2.MORPH_BLACKHAT, round(THIN_LINE * SIDE_PX) | 1) > least
        rims[(brows > 0) & ~thin] = 0
        return _long(rims)
    certain = lightness[(rims > 0) & (dark > SURELY_DARKER) & (brows == 0)]
    rim, brow = (float(np.median(values)) if values.size else 0.0 for values in (certain, lightness[brows > 0]))
    limit = (rim + brow) / 2 if brow - rim > 2 * DARKER_THAN_BROW else 0.0
    rims[(brows > 0) & (lightness > limit)] = 0
    return _long(rims)


def _of_one_colour(bgr: BgrU8, rims: MaskU8) -> MaskU8:
    """Leave of lines those that are no nearer to the skin's colour than rims are: folds are skin, darker."""
    core = (_around_eyes() & filled((FACE_CORE,), SIDE_PX) & ~_eyes() & ~rims) > 0
    lines = bgr[rims > 0].astype(np.float64)
    if not core.any() or not len(lines):
        return rims
    skin = np.median(bgr[core], axis=0)
    away = np.abs(lines - skin).sum(axis=1)
    axis = np.median(lines[away >= np.percentile(away, CLEAREST)], axis=0) - skin
    along = (lines - skin) @ axis / max(float(axis @ axis), 1.0)
    kept = rims.copy()
    kept[rims > 0] = np.where(along > AS_RIMS, 255, 0)
    return kept


def _lines(bgr: BgrU8, how: int, window_px: int) -> MaskU8:
    """Give the contrast of lines in the channel that shows them best: red rims are dark in green only."""
    blue, green, red = cv2.split(as_u8(cv2.morphologyEx(bgr, how, disc(window_px))))
    return as_u8(cv2.max(cv2.max(blue, green), red))


def _fainter_than_rims(contrasts: NDArray[np.uint8], least: int) -> float:
    """Say what contrast a line needs: beside strong rims, faint lines are wrinkles and what lies behind lenses."""
    clear = contrasts[contrasts > least]
    return max(least, OF_RIMS * float(np.percentile(clear, 80))) if clear.size else least


def _of_skin(lightness: MaskU8, *, beside: MaskU8) -> float:
    """Give the lightness of the skin at the height of the glasses, without what is marked."""
    return float(np.median(lightness[(_around_eyes() & filled((FACE_CORE,), SIDE_PX) & ~beside) > 0]))


@cache
def _brows() -> MaskU8:
    return as_u8(cv2.dilate(filled((BROW_LEFT, BROW_RIGHT), SIDE_PX), disc(5)))


@cache
def _behind_lenses() -> MaskU8:
    """Mark how far lenses reach."""
    return as_u8(cv2.dilate(_eyes() | _brows(), disc(2 * round(LENS * SIDE_PX) + 1)))


@cache
def _eyes() -> MaskU8:
    return filled((EYE_LEFT, EYE_RIGHT), SIDE_PX)


@cache
def _around_eyes() -> MaskU8:
    """Mark the height at which rims run: from above the brows to below the cheekbones."""
    at_px = face_topology().atlas * SIDE_PX
    band = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    band[int(at_px[66, 1] - 0.06 * SIDE_PX) : int(at_px[50, 1])] = 255
    return band


def _long(rims: MaskU8) -> MaskU8:
    """Drop what is too short for a rim: lashes, bags below the eyes."""
    _, labels, extents, _ = cv2.connectedComponentsWithStats(rims)
    sizes = np.asarray(extents)
    longest = np.maximum(sizes[:, cv2.CC_STAT_WIDTH], sizes[:, cv2.CC_STAT_HEIGHT])
    keep = longest >= RIM_LENGTH * len(rims)
    keep[0] = False
    return np.where(keep[np.asarray(labels, np.intp)], 255, 0).astype(np.uint8)
