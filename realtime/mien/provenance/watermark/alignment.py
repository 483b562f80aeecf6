"""Tries one scale: where the tile lies, which pattern comes when, and how surely."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.provenance.watermark.embed import CHIPS, PATTERNS, patterns
from mien.provenance.watermark.evidence import BINS_PER_SLOT, CYCLE
from mien.provenance.watermark.payload import CODED_BITS
from mien_models.types import as_f32

STEPS: Final = 4
"""Samples along a chip."""
SIDE: Final = CHIPS * STEPS


@dataclass(frozen=True, slots=True)
class Place:
    """A tile that may be there."""

    z: float
    """How far its correlation stands out of those of all other shifts, in standard deviations."""
    chip_px: float
    """Side of a chip in pixels of the evidence."""
    is_mirrored: bool
    phase: int
    """How many bins after a slot's begin the first bin lies; of a single picture, which pattern it shows."""
    shift_yx: tuple[int, int]
    """Where the tile begins, in samples."""


def folded(varying: NDArray[np.float32], chip_px: float) -> NDArray[np.float32]:
    """Lay all tiles of a picture on each other: (bins, 128, 128)."""
    scale = STEPS / chip_px
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    sheets = np.zeros((len(varying), SIDE, SIDE), np.float32)
    for number, sheet in enumerate(sheets):
        plane: NDArray[np.float32] = varying[number]
        scaled = as_f32(cv2.resize(plane, None, fx=scale, fy=scale, interpolation=how))
        height, width = scaled.shape
        padded = np.pad(scaled, ((0, -height % SIDE), (0, -width % SIDE)))
        sheet[...] = padded.reshape(-1, SIDE, padded.shape[1] // SIDE, SIDE).sum(axis=(0, 2))
    return sheets


def best_place(sheets: NDArray[np.float32], chip_px: float) -> Place:
    """Try every shift, phase and both mirrorings of folded evidence."""
    spectra = np.fft.rfft2(sheets).astype(np.complex64)
    # Every frequency counts alike: what a picture repeats stands in few of them.
    power: NDArray[np.float32] = (np.abs(spectra) ** 2).mean(axis=0)
    spectra /= np.sqrt(as_f32(cv2.GaussianBlur(power, (0, 0), 2.0)) + 1e-9)
    is_still = len(sheets) == 1
    best: Place | None = None
    for is_mirrored in (False, True):
        products = spectra[:, None] * _templates(is_mirrored=is_mirrored)[None]
        for phase in range(PATTERNS if is_still else CYCLE):
            chosen = products[0, phase] if is_still else _in_turn(products, phase)
            surface = np.fft.irfft2(chosen, s=(SIDE, SIDE))
            top = int(surface.argmax())
            z = float((surface.flat[top] - surface.mean()) / (surface.std() + 1e-12))
            if best is None or z > best.z:
                best = Place(z, chip_px, is_mirrored, phase, (top // SIDE, top % SIDE))
    assert best is not None  # noqa: S101 - the loops run
    return best


def soft_bits(sheets: NDArray[np.float32], place: Place) -> NDArray[np.float32]:
    """Read the 144 coded bits, positive where one is 1."""
    soft = np.zeros(CODED_BITS, np.float32)
    for number, pattern in enumerate(patterns()):
        if len(sheets) == 1:
            if number != place.phase:
                continue
            sheet = sheets[0]
        else:
            sheet = sheets[_slots(place.phase) == number].sum(axis=0)
        down, right = place.shift_yx
        if place.is_mirrored:
            # Turned around its first column, as the mirrored templates are.
            sheet, right = np.roll(sheet[:, ::-1], 1, axis=1), -right
        moved = np.roll(sheet, (-down, -right), axis=(0, 1))
        chips = moved.reshape(CHIPS, STEPS, CHIPS, STEPS).sum(axis=(1, 3)).ravel()
        values = chips[pattern.data] * pattern.signs[pattern.data]
        np.add.at(soft, np.arange(len(values)) % CODED_BITS, values)
    even: NDArray[np.float32] = soft / (soft.std() + np.float32(1e-9))
    return even


def _slots(phase: int) -> NDArray[np.intp]:
    return (np.arange(CYCLE) + phase) // BINS_PER_SLOT % PATTERNS


def _in_turn(products: NDArray[np.complex64], phase: int) -> NDArray[np.complex64]:
    chosen: NDArray[np.complex64] = products[np.arange(CYCLE), _slots(phase)].sum(axis=0)
    return chosen


@cache
def _templates(*, is_mirrored: bool) -> NDArray[np.complex64]:
    """Give the spectra of the four patterns' fixed chips, conjugated: (4, 128, 65)."""
    sheets = np.zeros((PATTERNS, SIDE, SIDE), np.float32)
    for sheet, pattern in zip(sheets, patterns(), strict=True):
        chips = np.zeros(CHIPS * CHIPS, np.float32)
        chips[pattern.sync] = pattern.signs[pattern.sync]
        sheet[...] = np.kron(chips.reshape(CHIPS, CHIPS), np.ones((STEPS, STEPS), np.float32))
    if is_mirrored:
        sheets = np.roll(sheets[:, :, ::-1], 1, axis=2)
    return np.conj(np.fft.rfft2(sheets)).astype(np.complex64)
