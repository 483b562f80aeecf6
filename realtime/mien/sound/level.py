"""How loud a microphone is, as a meter shows it."""

import math
import threading
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.sound.chunk import RATE_HZ, SamplesF32

_FALLS_DB_PER_S: Final = 24.0
"""As fast as a studio's peak meter falls (IEC 60268-10, type I: 20 dB in 1.7 s; twice that reads better live)."""
_QUIETEST_DB: Final = -90.0


@dataclass(frozen=True, slots=True)
class Level:
    """In dB of full scale, -90..0."""

    peak_db: float
    """Of the loudest sample lately; falls slowly, so that it can be read."""
    rms_db: float


class Meter:
    """Has state: the levels lately. One thread feeds it, any may read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._level = Level(_QUIETEST_DB, _QUIETEST_DB)

    def feed(self, samples: SamplesF32) -> None:
        """Take what was heard."""
        if not len(samples):
            return
        lasted_s = len(samples) / RATE_HZ
        peak = float(np.abs(samples).max())
        rms = math.sqrt(float(np.square(samples, dtype=np.float64).mean()))
        with self._lock:
            falling = _FALLS_DB_PER_S * lasted_s
            self._level = Level(
                max(decibels(peak), self._level.peak_db - falling, _QUIETEST_DB),
                max(decibels(rms), self._level.rms_db - falling, _QUIETEST_DB),
            )

    @property
    def level(self) -> Level:
        """How loud it is."""
        with self._lock:
            return self._level


def decibels(amplitude: float) -> float:
    """Give an amplitude of 0..1 in dB of full scale."""
    return max(20 * math.log10(amplitude), _QUIETEST_DB) if amplitude > 0 else _QUIETEST_DB
