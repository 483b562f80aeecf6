"""Reads a sound card's clock against the computer's: when a block really began, and how fast the card runs."""

import math
from typing import Final

_FIRST_BANDWIDTH_HZ: Final = 0.5
_BANDWIDTH_HZ: Final = 0.02
"""So slow that the system's late callbacks (milliseconds) are averaged away, and drift (seconds to minutes) is not."""
_SETTLES_S: Final = 10.0
_LOST_NS: Final = 100_000_000
"""A stamp that is further off than this is no jitter: samples were lost, or the device stood still."""


class DeviceClock:
    """A delay-locked loop over the stamps of blocks. Has state: the time expected next, and the length of a sample.

    Stamps jitter by the system's scheduling; what they say on the average is right. The loop is the second-order one of
    Fons Adriaensen, 'Using a DLL to filter time' (2005), with a bandwidth that narrows while it settles.
    """

    def __init__(self, rate_hz: float) -> None:
        """Take the rate that the device says it has."""
        self._nominal_ns = 1e9 / rate_hz
        self._sample_ns = self._nominal_ns
        self._next_ns: float | None = None
        self._seen_s = 0.0
        self.resets = 0
        """How often it began anew, because sound was missing."""

    def stamp(self, count: int, captured_ns: int) -> int:
        """Give when a block of `count` samples began, without the jitter of `captured_ns`."""
        if self._next_ns is None or abs(captured_ns - self._next_ns) > _LOST_NS:
            self.resets += self._next_ns is not None
            self._seen_s = 0.0
            self._next_ns = captured_ns + count * self._sample_ns
            return captured_ns
        began_ns = self._next_ns
        error_ns = captured_ns - began_ns
        period_s = count * self._sample_ns / 1e9
        omega = math.tau * self._bandwidth_hz * period_s
        self._sample_ns += omega**2 * error_ns / count
        self._next_ns = began_ns + math.sqrt(2) * omega * error_ns + count * self._sample_ns
        self._seen_s += period_s
        return round(began_ns)

    @property
    def drift_ppm(self) -> float:
        """How much faster than it says the device runs, in millionths; measured over the last minute or so."""
        return (self._nominal_ns / self._sample_ns - 1) * 1e6

    @property
    def _bandwidth_hz(self) -> float:
        settled = min(self._seen_s / _SETTLES_S, 1.0)
        return _FIRST_BANDWIDTH_HZ * math.pow(_BANDWIDTH_HZ / _FIRST_BANDWIDTH_HZ, settled)
