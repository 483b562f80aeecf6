"""Where a film is cut: the picture as a whole becomes another one from one frame to the next."""

import math
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.types import BgrU8

_WIDTH_PX: Final = 32
_HEIGHT_PX: Final = 18
_SAMPLES_PER_PIXEL: Final = 4
_BAR: Final = 24.0
"""What is darker than this in both pictures is a bar around a film of another shape, and says nothing."""
_FLAT: Final = 6.0
"""A contrast (standard deviation in levels) that is no more than the noise of a flat picture."""
_CUT: Final = 0.08
"""Change (0 the same, 1 nothing in common) from which there may be a cut.

Measured: 99 of 100 steps inside the shots of seven clips change less than 0.009, none more than 0.06; 65 cuts at least
0.1, and 3 jumps within one take next to nothing, which are no cuts to a face that goes on.
"""
_ABRUPT: Final = 4.0
"""A cut changes this many times more than the frames before it, else the camera pans."""
_ANYHOW: Final = 0.5
"""A pan of two screens a second changes no more than this from one frame to the next."""
_REMEMBER_S: Final = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """A whole picture from afar: (18, 32, 3) levels of 0..255."""

    levels: NDArray[np.float32]

    @staticmethod
    def of(image_bgr: BgrU8) -> "Glance":
        """Look at a picture of any size; a third of a millisecond."""
        height, width = image_bgr.shape[:2]
        step = max(1, min(height // (_HEIGHT_PX * _SAMPLES_PER_PIXEL), width // (_WIDTH_PX * _SAMPLES_PER_PIXEL)))
        thinned = np.ascontiguousarray(image_bgr[::step, ::step])
        small = cv2.resize(thinned, (_WIDTH_PX, _HEIGHT_PX), interpolation=cv2.INTER_AREA)
        return Glance(small.astype(np.float32))

    def change(self, other: "Glance") -> float:
        """Say how little two pictures have in common, whatever the light: 0 the same, about 1 nothing, 2 a negative."""
        seen = np.maximum(self.levels, other.levels).max(axis=2) > _BAR
        if not seen.any():
            return 0.0
        mine, others = (levels[seen] - levels[seen].mean(axis=0) for levels in (self.levels, other.levels))
        flat = _FLAT**2 * mine.size
        power = (float(np.square(mine).sum()) + flat) * (float(np.square(others).sum()) + flat)
        return float(1.0 - (float((mine * others).sum()) + flat) / math.sqrt(power))


@dataclass(slots=True, eq=False)
class _Shot:
    """A shot and how it looked last."""

    number: int
    last: Glance
    seen_ns: int


class Shots:
    """Numbers the shots of a film from 0; keeps how the last ones looked.

    A shot that is left for a moment, for a flash or a look at somebody else, goes on under its old number.
    """

    def __init__(self) -> None:
        self._shots: list[_Shot] = []
        self._changes: deque[float] = deque([0.0] * 3, maxlen=3)
        self._next = 0

    def begin(self) -> None:
        """Let the next frame begin a shot of its own, as it does where pictures of another size come."""
        self._shots.clear()

    def __call__(self, image_bgr: BgrU8, captured_ns: int) -> int:
        """Give the number of the shot that this frame belongs to."""
        glance = Glance.of(image_bgr)
        if not self._shots or self._is_cut(glance):
            shot = self._left(glance, captured_ns) or self._begun(glance, captured_ns)
            self._shots.append(shot)
        shot = self._shots[-1]
        shot.last, shot.seen_ns = glance, captured_ns
        return shot.number

    def _is_cut(self, glance: Glance) -> bool:
        change, usual = glance.change(self._shots[-1].last), median(self._changes)
        self._changes.append(change)
        return change > max(_CUT, min(_ABRUPT * usual, _ANYHOW))

    def _left(self, glance: Glance, captured_ns: int) -> _Shot | None:
        """Take out the shot that is come back to."""
        oldest_ns = captured_ns - round(_REMEMBER_S * 1e9)
        self._shots = [shot for shot in self._shots if shot.seen_ns >= oldest_ns]
        likest = min(self._shots, key=lambda shot: glance.change(shot.last), default=None)
        if likest is None or glance.change(likest.last) > _CUT:
            return None
        self._shots.remove(likest)
        return likest

    def _begun(self, glance: Glance, captured_ns: int) -> _Shot:
        self._next += 1
        return _Shot(self._next - 1, glance, captured_ns)
