"""Where a detector looks: squares of several sizes and turns that together cover a picture."""

import math
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Final

from mien_models.geometry.crop import Region

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
