"""Says whether evidence carries the mark, and what the mark says."""

from dataclasses import dataclass
from typing import Final

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
from mien.provenance.watermark.embed import CHIPS
from mien.provenance.watermark.evidence import Evidence
from mien.provenance.watermark.payload import CODED_BITS, Payload, decode, encode

SURE_Z: Final = 16.0
"""With this the mark is there, readable or not."""
LIKELY_Z: Final = 7.0
"""With this it is there if its payload can be read: 16 bits of CRC and four of the version agree by chance in 10^-6."""
_PROMISING_Z: Final = 5.5


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
