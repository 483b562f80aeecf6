"""Tries one scale: where the tile lies, which pattern comes when, and how surely."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.provenance.watermark.embed import BINS_PER_SLOT, CHIPS, CYCLE, PATTERNS, patterns
from mien.provenance.watermark.payload import CODED_BITS
from mien_models.types import as_f32

SMALLEST_CHIP_PX: Final = 2.6
LARGEST_CHIP_PX: Final = 28.0
FINE_STEP: Final = 0.0015
"""A scale wrong by this part blurs the tiles of a 720p picture by less than a quarter of a chip."""
_STEP: Final = 0.001
_APART: Final = 0.004
_NEIGHBOURS: Final = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
"""Tiles whose distance is looked for, in tiles down and right."""
_LINES: Final = (720, 1080, 480, 360, 540, 576, 1440)
STEPS: Final = 4
"""Samples along a chip."""
SIDE: Final = CHIPS * STEPS


def usual_scales(width: int, height: int) -> list[float]:
    """Give the chips' sides, in pixels, of whole pictures that were sent in a usual size."""
    short = min(width, height)
    return [chip for lines in _LINES if (chip := max(8, round(lines / 90)) * short / lines) and _is_possible(chip)]


def likely_scales(varying: NDArray[np.float32], most: int = 8) -> list[float]:
    """Give the chips' sides that fit the peaks of the pictures' autocorrelation best, the best first."""
    height, width = varying.shape[1:]
    power = np.zeros((height, width // 2 + 1), np.float32)
    for plane in varying:
        bounded = np.clip(plane, -3 * plane.std(), 3 * plane.std())
        power += np.abs(np.fft.rfft2(bounded)).astype(np.float32) ** 2
    power /= as_f32(cv2.GaussianBlur(power, (0, 0), 6.0)) + 1e-9
    alike = np.fft.irfft2(power, s=(height, width)).astype(np.float32)
    alike[0, 0] = 0
    alike = as_f32(cv2.GaussianBlur(alike, (0, 0), 0.8))
    chips = np.exp(np.arange(np.log(SMALLEST_CHIP_PX), np.log(LARGEST_CHIP_PX), _STEP))
    votes = np.zeros(len(chips), np.float32)
    for down, right in _NEIGHBOURS:
        y, x = down * CHIPS * chips, right * CHIPS * chips
        inside = (np.abs(y) < height * 0.7) & (np.abs(x) < width * 0.7)
        where = (x % width).astype(np.float32)[None], (y % height).astype(np.float32)[None]
        found = as_f32(cv2.remap(alike, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))[0]
        votes += np.where(inside, found, 0)
    return list(_peaks(chips, votes, most))


def every_scale() -> NDArray[np.float64]:
    """Give all scales, dense enough that none is missed."""
    chips: NDArray[np.float64] = np.exp(np.arange(np.log(SMALLEST_CHIP_PX), np.log(LARGEST_CHIP_PX), 2 * FINE_STEP))
    return chips


def _is_possible(chip: float) -> bool:
    return SMALLEST_CHIP_PX <= chip <= LARGEST_CHIP_PX


def _peaks(chips: NDArray[np.float64], votes: NDArray[np.float32], most: int) -> Iterator[float]:
    taken: list[float] = []
    for place in np.argsort(-votes):
        chip = float(chips[place])
        if all(abs(np.log(chip / other)) > _APART for other in taken):
            taken.append(chip)
            yield chip
        if len(taken) >= most:
            return


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
