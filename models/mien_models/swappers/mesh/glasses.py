"""Glasses on a face laid flat: whether there are some, what of the face they hide, and what is in front of it."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np

from mien_models.geometry.face_mesh import disc, face_topology, filled
from mien_models.geometry.face_regions import BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, FACE_CORE
from mien_models.library.builtin import load_rims
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
RIMS: Final = 0.15
"""So sure the network must be of rims on a photo: what they hide is filled, and what is filled looks like nobody."""


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
    """Mark what glasses hide of a face laid flat, (256, 256, 3): rims with a margin, dark lenses; 255 where marked."""
    hidden = np.zeros(bgr.shape[:2], np.uint8)
    if not glasses.are_worn:
        return hidden
    hidden[BAND][load_rims().look(np.ascontiguousarray(bgr[BAND])) > RIMS] = 255
    if glasses.are_dark:
        hidden |= _behind_lenses()
    return as_u8(cv2.dilate(hidden, disc(5)))


def dark_lenses(band_bgr: BgrU8) -> MaskU8:
    """Mark lenses as far as they are dark, on the band of the atlas around the eyes; 255 where marked."""
    around = _behind_lenses()[BAND]
    lightness = as_u8(cv2.cvtColor(band_bgr, cv2.COLOR_BGR2LAB)[..., 0])
    skin = (_around_eyes() & filled((FACE_CORE,), SIDE_PX))[BAND] & ~around
    limit = OF_SKIN * float(np.median(lightness[skin > 0]))
    dark = np.where(lightness < limit, 255, 0).astype(np.uint8) & around
    lenses = as_u8(cv2.morphologyEx(dark, cv2.MORPH_CLOSE, disc(2 * round(CLOSED * SIDE_PX) + 1)))
    return as_u8(cv2.morphologyEx(lenses, cv2.MORPH_OPEN, disc(7)))


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
