"""Gathers what pictures may hold of the mark, and says whether they carry it and what it says."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.provenance.watermark.alignment import (
    FINE_STEP,
    Place,
    best_place,
    every_scale,
    folded,
    likely_scales,
    soft_bits,
    usual_scales,
)
from mien.provenance.watermark.embed import BINS_PER_SLOT, CHIPS, CYCLE, SLOT_NS
from mien.provenance.watermark.payload import CODED_BITS, Payload, decode, encode
from mien_models.types import BgrU8, as_f32, as_u8

BIN_NS: Final = SLOT_NS // BINS_PER_SLOT
_LONGEST_SIDE_PX: Final = 1920
_FINE_SIGMA: Final = 1.0
_COARSE_SIGMA: Final = 5.0
_FLOOR: Final = 1.0
"""Levels squared: structure weaker than this is not raised to the strength of the rest."""
SURE_Z: Final = 16.0
"""With this the mark is there, readable or not."""
LIKELY_Z: Final = 7.0
"""With this it is there if its payload can be read: 16 bits of CRC and four of the version agree by chance in 10^-6."""
_PROMISING_Z: Final = 5.5


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


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What was found in some pictures."""

    place: Place
    payload: Payload | None
    """None where it cannot be read."""
    soft: NDArray[np.float32]
    """(144,) how surely each coded bit is 1 or 0, to be added to those of other pictures of the session."""

    @property
    def is_marked(self) -> bool:
        """Whether these pictures carry the mark."""
        return is_marked(self.place.z, self.payload)


def is_marked(z: float, payload: Payload | None) -> bool:
    """Judge: found where the tile stands out very far, or far and the payload is whole."""
    return z >= SURE_Z or (z >= LIKELY_Z and payload is not None)


def read_payload(soft: NDArray[np.float32]) -> Payload | None:
    """Read the payload out of soft bits; None where CRC or version do not agree."""
    payload = Payload.from_bits(decode(soft))
    return payload if payload is not None and payload.version == 1 else None


def detect(evidence: Evidence, *, known: Place | None = None, is_thorough: bool = False) -> Finding:
    """Look for the mark blindly: any scale, shift, mirroring and slot phase.

    Args:
        evidence: pictures of four seconds or more; of one picture, a finding must be readable to count.
        known: where it was found before, which is tried first.
        is_thorough: try every scale where nothing likely gives a result, which takes about ten seconds.
    """
    varying = evidence.varying()
    best: Finding | None = None
    if known is not None:
        best = _tried(varying, known.chip_px)
        if best.is_marked:
            return best
    height, width = varying.shape[1:]
    for chip in (*usual_scales(width, height), *likely_scales(varying)):
        found = _around(varying, chip)
        best = found if best is None or found.place.z > best.place.z else best
        if best.is_marked and best.payload is not None:
            return best
    assert best is not None  # noqa: S101 - there are usual scales
    if is_thorough and not best.is_marked:
        for chip in every_scale():
            if CHIPS * chip > max(height, width):
                break
            found = _tried(varying, chip)
            best = found if found.place.z > best.place.z else best
        best = _refined(varying, best)
    return best


def _around(varying: NDArray[np.float32], chip: float) -> Finding:
    """Try a scale and its neighbours, more of them where one is promising."""
    tried = [_tried(varying, chip * (1 + step * FINE_STEP)) for step in (-1, 0, 1)]
    best = max(tried, key=lambda finding: finding.place.z)
    return _refined(varying, best) if best.place.z > _PROMISING_Z else best


def _refined(varying: NDArray[np.float32], best: Finding) -> Finding:
    centre = best.place.chip_px
    for step in (-0.8, -0.4, 0.4, 0.8):
        found = _tried(varying, centre * (1 + step * FINE_STEP))
        if found.place.z > best.place.z:
            best = found
    return best


def _tried(varying: NDArray[np.float32], chip: float) -> Finding:
    sheets = folded(varying, chip)
    place = best_place(sheets, chip)
    if place.z < LIKELY_Z:
        return Finding(place, None, np.zeros(CODED_BITS, np.float32))
    soft = soft_bits(sheets, place)
    return Finding(place, read_payload(soft), soft)


def agreement(soft: NDArray[np.float32], payload: Payload) -> float:
    """Say how well soft bits agree with a payload, -1..1: to tell sessions apart where none can be read alone."""
    signs = np.where(encode(payload.bits()), 1.0, -1.0)
    return float((soft * signs).mean() / (np.abs(soft).mean() + 1e-9))
