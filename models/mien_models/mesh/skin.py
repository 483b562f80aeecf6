"""Skin only: finds hair, glasses and background in a flattened photo and paints skin over them."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.arrays import BgrU8, MaskU8, as_f32, as_u8
from mien_models.mesh.regions import (
    BROW_LEFT,
    BROW_RIGHT,
    CHEEKS,
    EYE_LEFT,
    EYE_RIGHT,
    FACE_CORE,
    GLASSES_BELOW_EYES,
    LIPS_OUTER,
    NOSE_BRIDGE,
    NOSTRILS,
    OVAL,
)
from mien_models.mesh.topology import face_topology

SIDE_PX: Final = 256
"""The search runs on an atlas of this side: fine enough for a rim of glasses, coarse enough to forget pores."""
DARKER: Final = 3.5
"""How far below the skin's own brightness counts as hair, in its standard deviations."""
OFF_COLOUR: Final = 3.2
"""How far from the skin's own hue counts as something else, in its standard deviations."""
RIM_DARKER: Final = 22
"""How much darker than the skin around it a thin line must be to count as a rim of glasses, in 8-bit lightness."""
RIM_DARKER_THAN_BROW: Final = 70
"""The same where brows grow: a rim there is darker and thinner than they are."""
RIM_SHARES: Final = (0.04, 0.10)
"""Share of the nose's bridge and of the skin below the eyes that such lines must cover before glasses are believed.

Found on 14 portraits: lashes and folds reach the second, shadows the first, only rims reach both.
"""
BEARD_HALF_WIDTH: Final = 0.28
"""How far from the middle a beard may grow, in parts of the atlas' side; what is dark further out is hair."""
HAIR_OVER_JAW: Final = 0.03
"""How far long hair may reach over the chin from below, in parts of the atlas' side."""
WELL_SEEN: Final = (0.12, 0.40)
"""How much a texel must face the photo's camera: below the first it is not taken at all, above the second fully."""


def fill_hidden_skin(bgr: BgrU8, seen: NDArray[np.float32]) -> BgrU8:
    """Give a copy in which everything that is not the photo's skin is filled with skin.

    The filling has the tone of the skin around it and the pores of the face's other half.

    Args:
        bgr: (n, n, 3) the photo laid flat on the atlas.
        seen: (n, n) how much each texel faces the photo's camera, 0..1.
    """
    side_px = len(bgr)
    small = _resized(bgr, SIDE_PX)
    foreign = as_f32(cv2.GaussianBlur(foreign_to_skin(as_u8(small)), (0, 0), 2.5)) / 255
    facing = np.clip((_resized(seen, SIDE_PX) - WELL_SEEN[0]) / (WELL_SEEN[1] - WELL_SEEN[0]), 0, 1)
    trust = (facing * np.clip(1 - 1.5 * foreign, 0, 1)).astype(np.float32)
    tone = _filled_smoothly(small, trust)
    pores = small[:, ::-1] / np.maximum(_filled_smoothly(small, trust, finest=6.0)[:, ::-1], 1)
    pores = 1 + (pores - 1) * trust[:, ::-1, None]
    filling = _resized(np.clip(tone * pores, 0, 255).astype(np.float32), side_px)
    weight = _resized(trust, side_px)[..., None]
    return np.clip(bgr * weight + filling * (1 - weight) + 0.5, 0, 255).astype(np.uint8)


def foreign_to_skin(bgr: BgrU8) -> MaskU8:
    """Mark what is not skin on a flattened face: hair, rims of glasses, background; 255 where foreign.

    The core of the face (brows, eyes, nose, mouth) and a beard belong to the face and are never marked as hair.
    """
    lab = cv2.cvtColor(bgr, cv2.COLOR_BGR2LAB).astype(np.float32)
    sample = lab[filled(CHEEKS, len(bgr)) > 0]
    centre = np.median(sample, axis=0)
    # 1.4826 turns a median deviation into a standard deviation of a normal distribution.
    spread = np.clip(1.4826 * np.median(np.abs(sample - centre), axis=0), (10, 3, 3), (18, 5, 5))
    off = (lab - centre) / spread
    highlight = (off[..., 0] > 0) & (lab[..., 1] <= centre[1] + spread[1]) & (lab[..., 2] <= centre[2])
    off_colour = np.hypot(off[..., 1], off[..., 2]) > np.where(highlight, 2 * OFF_COLOUR, OFF_COLOUR)
    odd = (off[..., 0] < -DARKER) | off_colour
    hair = np.where(odd & (_around_core(len(bgr)) > 0), 255, 0).astype(np.uint8)
    hair = as_u8(cv2.dilate(cv2.morphologyEx(hair, cv2.MORPH_OPEN, _disc(5)), _disc(13)))
    return hair | _rims_of_glasses(as_u8(lab[..., 0]))


def features_mask(side_px: int, grow: float) -> MaskU8:
    """Mark brows, eyes, nostrils and lips on an atlas, grown by a part of its side; 255 where marked."""
    contours = (BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, NOSTRILS, LIPS_OUTER)
    return as_u8(cv2.dilate(filled(contours, side_px), _disc(2 * round(grow * side_px) + 1)))


def _rims_of_glasses(lightness: MaskU8) -> MaskU8:
    """Mark thin dark lines around the eyes, if there are enough of them to be glasses."""
    lines = as_u8(cv2.morphologyEx(lightness, cv2.MORPH_BLACKHAT, _disc(15)))
    rims = np.where(lines > RIM_DARKER, 255, 0).astype(np.uint8)
    probes = (filled((NOSE_BRIDGE,), len(lightness)), filled(GLASSES_BELOW_EYES, len(lightness)))
    for probe, least in zip(probes, RIM_SHARES, strict=True):
        if np.count_nonzero(rims & probe) < least * np.count_nonzero(probe):
            return np.zeros_like(rims)
    band = np.zeros_like(rims)
    at_px = face_topology().atlas * len(lightness)
    band[int(at_px[105, 1]) : int(at_px[50, 1])] = 255
    brows = filled((BROW_LEFT, BROW_RIGHT), len(lightness)) > 0
    rims[brows & (lines <= RIM_DARKER_THAN_BROW)] = 0
    rims &= band & ~filled((EYE_LEFT, EYE_RIGHT), len(lightness))
    return as_u8(cv2.dilate(rims, _disc(5)))


def _around_core(side_px: int) -> MaskU8:
    """Mark where hair may lie over the face: all but its core and, well inside its outline, a beard."""
    mask = np.full((side_px, side_px), 255, np.uint8)
    below_nose = int(face_topology().atlas[2, 1] * side_px)
    inside = as_u8(cv2.erode(filled((OVAL,), side_px), _disc(2 * round(HAIR_OVER_JAW * side_px) + 1)))
    inside[:, : round((0.5 - BEARD_HALF_WIDTH) * side_px)] = 0
    inside[:, round((0.5 + BEARD_HALF_WIDTH) * side_px) :] = 0
    mask[below_nose:][inside[below_nose:] > 0] = 0
    mask[filled((FACE_CORE,), side_px) > 0] = 0
    return mask


def filled(contours: tuple[tuple[int, ...], ...], side_px: int) -> MaskU8:
    """Draw contours of landmarks filled on an atlas; 255 inside."""
    mask = np.zeros((side_px, side_px), np.uint8)
    for contour in contours:
        corners = np.round(face_topology().atlas[list(contour)] * side_px - 0.5).astype(np.int32)
        cv2.fillPoly(mask, [corners], (255,))
    return mask


def _disc(size_px: int) -> NDArray[np.uint8]:
    return as_u8(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size_px, size_px)))


def _resized(image: NDArray[np.float32] | BgrU8, side_px: int) -> NDArray[np.float32]:
    interpolation = cv2.INTER_AREA if len(image) > side_px else cv2.INTER_LINEAR
    return as_f32(cv2.resize(image, (side_px, side_px), interpolation=interpolation))


def _filled_smoothly(
    bgr: NDArray[np.float32], weight: NDArray[np.float32], *, finest: float = 2.0
) -> NDArray[np.float32]:
    """Spread the trusted colours over the rest, nearest first: blurs of doubling width, each filling what is empty."""
    colour = bgr * weight[..., None]
    total, share = np.zeros_like(colour), np.zeros_like(weight)
    sigma = finest
    while sigma <= SIDE_PX / 4:
        wide_weight = as_f32(cv2.GaussianBlur(weight, (0, 0), sigma))
        wide_colour = as_f32(cv2.GaussianBlur(colour, (0, 0), sigma))
        confidence = np.clip(wide_weight * 3, 0, 1) * (1 - share)
        total += wide_colour / np.maximum(wide_weight, 1e-4)[..., None] * confidence[..., None]
        share += confidence
        sigma *= 2
    return as_f32(total / np.maximum(share, 1e-4)[..., None])
