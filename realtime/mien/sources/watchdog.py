"""Whether a live source still gives new pictures."""

import zlib
from fractions import Fraction
from typing import Final

from mien_models.types import BgrU8

_LEAST_S: Final = 1.0
_MOST_S: Final = 1.8
"""So that a fault is known within 2 s, however slow the camera is."""
_INTERVALS: Final = 10
_SAMPLES: Final = 64
"""Rows and columns that are looked at: 0.05 ms a frame."""
_NS: Final = 1_000_000_000


class Watchdog:
    """Judges by the frames that come whether a source has stalled or shows one picture for ever. Keeps the last one.

    Some drivers repeat the last picture for ever when the camera is gone (opencv#5221). A capture card may honestly
    show a still: so a picture that is still the same after the device was opened anew is believed from then on.
    """

    def __init__(self, *, can_freeze: bool) -> None:
        """Start with patience; `can_freeze` is False for what may honestly stand still."""
        self._is_still_suspicious = can_freeze
        self._limit_s = self._steady_limit_s = _LEAST_S
        self._new_ns = 0
        self._print: int | None = None
        self._is_repeating = False
        self._reported_print: int | None = None

    def restart(self, now_ns: int, patience_s: float) -> None:
        """Forget the last picture and wait `patience_s` for the first one."""
        self._new_ns, self._limit_s = now_ns, patience_s
        self._print, self._is_repeating = None, False

    def expect(self, fps: Fraction) -> None:
        """Set what a source of this rate may take between two new pictures."""
        self._steady_limit_s = min(_MOST_S, max(_LEAST_S, float(_INTERVALS / fps)))

    def saw(self, image_bgr: BgrU8, now_ns: int) -> None:
        """Take note of a frame that came."""
        fingerprint = _fingerprint(image_bgr) if self._is_still_suspicious else None
        self._is_repeating = fingerprint is not None and fingerprint == self._print
        self._print = fingerprint
        if not self._is_repeating:
            self._new_ns, self._limit_s = now_ns, self._steady_limit_s

    def remaining_s(self, now_ns: int) -> float:
        """Seconds until the next picture must have come, at least 0."""
        return max(0.0, self._limit_s - (now_ns - self._new_ns) / _NS)

    def trouble(self, now_ns: int) -> str | None:
        """Say what is wrong, in one sentence; None while all is well."""
        if self.remaining_s(now_ns) > 0:
            return None
        if not self._is_repeating:
            return f"The camera has sent nothing for {(now_ns - self._new_ns) / _NS:.1f} s."
        if self._print == self._reported_print:
            self._is_still_suspicious = False
            self._new_ns = now_ns
            return None
        self._reported_print = self._print
        return "The camera sends one and the same picture over and over."


def _fingerprint(image_bgr: BgrU8) -> int:
    height, width = image_bgr.shape[:2]
    sample = image_bgr[:: max(1, height // _SAMPLES), :: max(1, width // _SAMPLES)]
    return zlib.crc32(sample.tobytes())
