"""Rims of glasses on a flattened photo: thin dark lines that cross the nose's bridge and the skin below the eyes."""

from typing import Final

import cv2
import numpy as np

from mien_models.geometry.face_mesh import face_topology
from mien_models.geometry.face_regions import (
    BROW_LEFT,
    BROW_RIGHT,
    EYE_LEFT,
    EYE_RIGHT,
    GLASSES_BELOW_EYES,
    NOSE_BRIDGE,
)
from mien_models.geometry.raster import disc, filled
from mien_models.types import BgrU8, MaskU8, as_u8

LINE: Final = 15 / 256
"""A line is at most this wide, in parts of the atlas' side."""
DARKER: Final = 22
"""How much darker than the skin around it a thin line must be, in 8-bit lightness."""
DARKER_THAN_BROW: Final = 25
"""A rim is told from a brow that it crosses where it is darker by twice this; else the brow is left alone."""
RIM_LENGTH: Final = 0.09
"""A piece of rim is at least this long, in parts of the atlas' side."""
SHARES: Final = (0.04, 0.10)
"""Share of the nose's bridge and of the skin below the eyes that such lines must cover before glasses are believed.

Found on 14 portraits: lashes and folds reach the second, shadows the first, only rims reach both.
"""


def seen_glasses(bgr: BgrU8) -> bool:
    """Say whether a face laid flat wears glasses: there are enough thin dark lines where rims run."""
    side_px = len(bgr)
    lines = _lines(_lightness(bgr), DARKER)
    probes = (filled((NOSE_BRIDGE,), side_px), filled(GLASSES_BELOW_EYES, side_px))
    return all(
        np.count_nonzero(lines & probe) >= least * np.count_nonzero(probe)
        for probe, least in zip(probes, SHARES, strict=True)
    )


def rims_of_glasses(bgr: BgrU8) -> MaskU8:
    """Mark the rims on a face laid flat that is known to wear glasses; 255 where marked. Brows stay unmarked."""
    side_px = len(bgr)
    lightness = _lightness(bgr)
    band = np.zeros((side_px, side_px), np.uint8)
    at_px = face_topology().atlas * side_px
    band[int(at_px[66, 1] - 0.06 * side_px) : int(at_px[50, 1])] = 255
    rims = _lines(lightness, DARKER) & band & ~filled((EYE_LEFT, EYE_RIGHT), side_px)
    brows = as_u8(cv2.dilate(filled((BROW_LEFT, BROW_RIGHT), side_px), disc(5)))
    certain = lightness[(rims > 0) & (brows == 0)]
    rim, brow = (float(np.median(values)) if values.size else 0.0 for values in (certain, lightness[brows > 0]))
    limit = (rim + brow) / 2 if brow - rim > 2 * DARKER_THAN_BROW else 0.0
    rims[(brows > 0) & (lightness > limit)] = 0
    return as_u8(cv2.dilate(_long(rims), disc(5)))


def _lightness(bgr: BgrU8) -> MaskU8:
    return as_u8(cv2.cvtColor(bgr, cv2.COLOR_BGR2LAB)[..., 0])


def _lines(lightness: MaskU8, darker: float) -> MaskU8:
    """Mark thin lines that are darker than the skin around them by so much."""
    found = as_u8(cv2.morphologyEx(lightness, cv2.MORPH_BLACKHAT, disc(round(LINE * len(lightness)) | 1)))
    return np.where(found > darker, 255, 0).astype(np.uint8)


def _long(rims: MaskU8) -> MaskU8:
    """Drop what is too short for a rim: lashes, bags below the eyes."""
    _, labels, extents, _ = cv2.connectedComponentsWithStats(rims)
    sizes = np.asarray(extents)
    longest = np.maximum(sizes[:, cv2.CC_STAT_WIDTH], sizes[:, cv2.CC_STAT_HEIGHT])
    keep = longest >= RIM_LENGTH * len(rims)
    keep[0] = False
    return np.where(keep[np.asarray(labels, np.intp)], 255, 0).astype(np.uint8)
