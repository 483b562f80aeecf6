"""Smoothing that stills a resting face and leaves a moving one alone: the One-Euro filter."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien_models.types import PointsF32


@dataclass(frozen=True, slots=True)
class OneEuroSettings:
    """Casiez, Roussel and Vogel, '1 EUR Filter' (CHI 2012), with the constants of MediaPipe's FaceLandmarker.

    Speeds are in face sizes a second, so that a face far away is smoothed like one near by.
    """

    min_cutoff_hz: float = 0.05
    """How much a resting point is smoothed; lower is calmer."""
    beta: float = 80.0
    """How fast the smoothing gives way: added cutoff in Hz per face size a second."""
    speed_cutoff_hz: float = 1.0
    """Smoothing of the speed itself."""


class OneEuro:
    """Smooths one face's landmarks from frame to frame; keeps the last ones and their speeds."""

    def __init__(self, settings: OneEuroSettings) -> None:
        self._settings = settings
        self._points: NDArray[np.float32] | None = None
        self._speeds = np.zeros((1, 1), np.float32)
        self._captured_ns = 0

    def reset(self) -> None:
        """Forget the past: the next points are taken as they are."""
        self._points = None

    def __call__(self, points: PointsF32, size_px: float, captured_ns: int) -> PointsF32:
        """Smooth (n, k) points of a face of `size_px`; frames come in the order of their capture times."""
        past, elapsed_s = self._points, (captured_ns - self._captured_ns) * 1e-9
        self._captured_ns = captured_ns
        if past is None or elapsed_s <= 0:
            self._points, self._speeds = points, np.zeros_like(points)
            return points
        speeds = (points - past) * np.float32(1.0 / (max(size_px, 1.0) * elapsed_s))
        self._speeds += np.float32(_weight(self._settings.speed_cutoff_hz, elapsed_s)) * (speeds - self._speeds)
        cutoff_hz = self._settings.min_cutoff_hz + self._settings.beta * np.abs(self._speeds)
        turns = cutoff_hz * np.float32(2 * math.pi * elapsed_s)
        smooth = np.asarray(past + turns / (turns + 1) * (points - past), np.float32)
        self._points = smooth
        return smooth


def _weight(cutoff_hz: float, elapsed_s: float) -> float:
    """Share of the newest value in an exponential mean with this cutoff."""
    turns = 2 * math.pi * cutoff_hz * elapsed_s
    return turns / (turns + 1)
