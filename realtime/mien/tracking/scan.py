"""When and where a detector looks: everywhere after a cut, else at one square after the other."""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.crop import Region
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


_SMALLEST_IN_VIEW: Final = 18 / 128
"""Width of the smallest face that BlazeFace finds reliably, in parts of the view's side."""
_OVERLAP: Final = 1 / 3
"""Shared by neighbouring views: a face cut by one is whole in the other, or large enough for the next larger size."""
_WHOLE_DEG: Final = (0.0, -80.0, 0.0, 80.0)
"""Turns of the whole picture: up to 60 degrees are found upright, the others are for heads that lie down."""


def covering(
    width: int, height: int, side_px: float, rolls_deg: Sequence[float] = (0.0,), *, overlap: float = 0.5
) -> Iterator[Region]:
    """Cover a picture with squares, each in every one of the turns; neighbours share this part of their side.

    A square larger than the picture is laid once around its middle.
    """
    for y in _centres(height, side_px, overlap):
        for x in _centres(width, side_px, overlap):
            for roll in rolls_deg:
                yield Region((x, y), side_px, math.radians(roll))


class LiveSearch:
    """Takes turns over the views of a picture, so that no frame pays for all of them; remembers whose turn it is.

    Every third view is the whole picture, every third a middling part of it, every third a small one.
    """

    def __init__(self, width: int, height: int, smallest_face_px: float) -> None:
        whole = Region.around(width, height)
        sides = _sides(whole.side_px, smallest_face_px / _SMALLEST_IN_VIEW)
        rings = [
            [whole.turned(math.radians(roll)) for roll in _WHOLE_DEG],
            [view for side in sides[:1] for view in covering(width, height, side, overlap=_OVERLAP)],
            [view for side in sides[1:] for view in covering(width, height, side, overlap=_OVERLAP)],
        ]
        self.everything: Final = tuple(view for ring in rings for view in ring)
        """Every view, the largest first."""
        self.large: Final = (whole, *rings[1])
        """Those that show every face but the small ones."""
        self._rings = cycle([cycle(ring) for ring in rings if ring])

    def next_views(self, count: int) -> tuple[Region, ...]:
        """Give the next places to look at."""
        return tuple(next(next(self._rings)) for _ in range(count))


def _sides(whole_px: float, finest_px: float) -> tuple[float, ...]:
    """Sides of the views below the whole picture: halved until the smallest face is large enough in one."""
    sides: list[float] = []
    side = whole_px
    while side > finest_px:
        side = max(side / 2, finest_px)
        # Two nearly equal sizes would be searched for nothing.
        sides.append(finest_px if side < finest_px * 1.25 else side)
        side = sides[-1]
    return tuple(sides)


def _centres(length: int, side_px: float, overlap: float) -> tuple[float, ...]:
    middle = (length - 1) / 2
    free = length - side_px
    if free <= 0:
        return (middle,)
    gaps = math.ceil(free / (side_px * (1.0 - overlap)))
    return tuple(side_px / 2 - 0.5 + free * i / gaps for i in range(gaps + 1))
