"""Sound on its way: as a microphone gives it, as everything else in Mien gets it, and how loud it is."""

import math
import threading
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 48_000
"""What streams, calls and recordings use; every microphone is brought to it."""
CHANNELS: Final = 2
"""One voice is put in the middle, so that a change of microphone changes no file's layout."""

SamplesF32: TypeAlias = NDArray[np.float32]
"""(n, channels), -1..1."""
_FALLS_DB_PER_S: Final = 24.0
"""As fast as a studio's peak meter falls (IEC 60268-10, type I: 20 dB in 1.7 s; twice that reads better live)."""
_QUIETEST_DB: Final = -90.0


@dataclass(frozen=True, slots=True, eq=False)
class RawSound:
    """One block as a device gives it."""

    samples: SamplesF32
    """(n, 1 or 2), at the device's own rate."""
    captured_ns: int
    """`time.monotonic_ns()` when its first sample reached the microphone, as exactly as the system tells."""
    is_after_loss: bool = False
    """Whether the device lost samples right before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A piece of the session's sound: on the clock of the frames, without gaps."""

    samples: SamplesF32
    """(n, 2) at 48 kHz; silence where the microphone was away or is muted."""
    index: int
    """Number of its first sample since the sound began."""
    captured_ns: int
    """`time.monotonic_ns()` of its first sample."""

    @property
    def ends_ns(self) -> int:
        """When it ends."""
        return self.captured_ns + samples_ns(len(self.samples))


def samples_ns(count: int, rate_hz: float = RATE_HZ) -> int:
    """Say how long so many samples last."""
    return round(count * 1_000_000_000 / rate_hz)


def silence(count: int) -> SamplesF32:
    """Give (count, 2) zeros."""
    return np.zeros((count, CHANNELS), np.float32)


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
