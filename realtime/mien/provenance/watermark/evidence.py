"""What the detector keeps of pictures: their fine structure, added up by when it was shown."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.provenance.watermark.embed import PATTERNS, SLOT_NS
from mien_models.types import BgrU8, as_f32, as_u8

BINS_PER_SLOT: Final = 3
BIN_NS: Final = SLOT_NS // BINS_PER_SLOT
CYCLE: Final = BINS_PER_SLOT * PATTERNS
"""After so many bins the patterns begin anew: pictures that lie a cycle apart show the same one."""
_LONGEST_SIDE_PX: Final = 1920
_FINE_SIGMA: Final = 1.0
_COARSE_SIGMA: Final = 5.0
_FLOOR: Final = 1.0
"""Levels squared: structure weaker than this is not raised to the strength of the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Pictures of a few seconds."""

    bins: NDArray[np.float32]
    """(cycle, 2, h, w) fine structure of luma and Cb, added up by bin; one bin for a single picture."""
    counts: NDArray[np.intp]
    """(cycle,) pictures in each bin."""

    @property
    def is_still(self) -> bool:
        """Whether it is one picture, which shows one pattern."""
        return len(self.bins) == 1

    def varying(self) -> NDArray[np.float32]:
        """Give luma and Cb, of equal weight, less what all bins have in common: (bins, h, w)."""
        filled = self.counts > 0
        means = self.bins[filled] / self.counts[filled, None, None, None]
        if not self.is_still:
            means = means - means.mean(axis=0)
        strength = means.std(axis=(0, 2, 3)) + 1e-9
        both = np.zeros((len(self.bins), *self.bins.shape[2:]), np.float32)
        both[filled] = means[:, 0] / strength[0] + means[:, 1] / strength[1]
        return both


class Collector:
    """Adds up pictures of one size. Has state: the sums."""

    def __init__(self, *, is_still: bool = False) -> None:
        """Begin with nothing."""
        self._cycle = 1 if is_still else CYCLE
        self._bins: NDArray[np.float32] | None = None
        self._counts = np.zeros(self._cycle, np.intp)

    def add(self, image_bgr: BgrU8, shown_ns: int) -> None:
        """Add a picture that was shown at `shown_ns`; one of another size than the first is fitted to it."""
        planes = fine_structure(image_bgr)
        if self._bins is None:
            self._bins = np.zeros((self._cycle, *planes.shape), np.float32)
        if planes.shape != self._bins.shape[1:]:
            size = self._bins.shape[3], self._bins.shape[2]
            planes = np.stack([_resized(planes[0], size), _resized(planes[1], size)])
        place = shown_ns // BIN_NS % self._cycle
        self._bins[place] += planes
        self._counts[place] += 1

    @property
    def count(self) -> int:
        """How many pictures were added."""
        return int(self._counts.sum())

    def evidence(self) -> Evidence:
        """Give what was collected, at least one picture."""
        assert self._bins is not None  # noqa: S101 - a collector is asked after it was given something
        return Evidence(self._bins, self._counts)


def fine_structure(image_bgr: BgrU8) -> NDArray[np.float32]:
    """Give luma and Cb without what is broad, each place brought to the same strength: (2, h, w).

    Pictures with a side above 1920 px are made smaller first.
    """
    scale = _LONGEST_SIDE_PX / max(image_bgr.shape[:2])
    if scale < 1:
        image_bgr = as_u8(cv2.resize(image_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    ycc = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2YCrCb)
    return np.stack([_even(as_f32(ycc[:, :, 0])), _even(as_f32(ycc[:, :, 2]))])


def _even(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    fine = as_f32(cv2.GaussianBlur(plane, (0, 0), _FINE_SIGMA)) - as_f32(cv2.GaussianBlur(plane, (0, 0), _COARSE_SIGMA))
    return as_f32(fine / (as_f32(cv2.GaussianBlur(fine * fine, (0, 0), _COARSE_SIGMA)) + _FLOOR))


def _resized(plane: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    return as_f32(cv2.resize(plane, size))
