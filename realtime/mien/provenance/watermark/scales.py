"""Which scales are worth a try: a repeated tile shows in the autocorrelation, and some sizes are common."""

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.provenance.watermark.embed import CHIPS
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
