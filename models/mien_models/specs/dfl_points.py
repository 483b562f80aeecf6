"""Nothing: the table that once stood here was not ours to pass on."""

from typing import Final

STILL_POINTS: Final[tuple[tuple[int, float, float], ...]] = ()
