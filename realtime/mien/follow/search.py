"""Where a detector looks: squares of several sizes and turns that together cover a picture."""

import math
from collections.abc import Iterator, Sequence

from mien_models.regions import Region


def covering(width: int, height: int, side_px: float, rolls_deg: Sequence[float]) -> Iterator[Region]:
    """Cover a picture with squares that overlap by half, each in every one of the turns.

    A square larger than the picture is laid once around its middle.
    """
    for y in _centres(height, side_px):
        for x in _centres(width, side_px):
            for roll in rolls_deg:
                yield Region((x, y), side_px, math.radians(roll))


def _centres(length: int, side_px: float) -> tuple[float, ...]:
    middle = (length - 1) / 2
    free = length - side_px
    if free <= 0:
        return (middle,)
    gaps = math.ceil(free / (side_px / 2))
    return tuple(side_px / 2 - 0.5 + free * i / gaps for i in range(gaps + 1))
