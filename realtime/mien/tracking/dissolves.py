"""Finds dissolves in a film: stretches in which one shot fades into the next, into black or out of it."""

from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.tracking.scan import Glance

_LENGTHS: Final = (2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 135, 200)
"""Frames from a picture to the one that it is held against; each a half more than the one before it."""
_CHANGE: Final = 0.2
"""How little (0 the same, 1 nothing in common) the two ends of a dissolve are alike at least."""
_ODDNESS: Final = 0.05
"""Power of what is in a picture and in neither end, in parts of the ends' difference.

Measured from 64 x 36 pixels: 0.0 to 0.03 in dissolves of 8 to 30 frames between real clips; in people, pans and hands
that move, wherever the ends differ by 0.2 and more, 0.12 at least. Fewer pixels tell pans from mixtures less well.
"""
_ODDNESS_OF_ANOTHER: Final = 0.1
"""The same between ends that have little in common: much moves in a long dissolve. Pans are at 0.24 and above there."""
_ANOTHER: Final = 0.5
"""A change from which on two ends have little in common."""
_MOST_LOOKS: Final = 16
"""Pictures between two ends that are looked at first."""
_CLEAR: Final = 0.04
"""A share up to which the other shot is not seen."""
_CUT_STEP: Final = 0.86
"""A share that grows more from one frame to the next is a hard cut, beside which something moves."""
_BACK_STEP: Final = 0.1
"""A share that goes back by more is no fade."""


SEEN_PX: Final = (64, 36)
"""Width and height of the glances that dissolves are found in."""


class Dissolves:
    """Says of each frame whether two shots are seen in it. Has state: the glances at the last frames."""

    def __init__(self) -> None:
        self._glances: deque[Glance] = deque(maxlen=_LENGTHS[-1] + 1)
        self._found: deque[tuple[float, float | None]] = deque()
        """For each frame of which nothing was said yet: how much changes over its dissolve, and its share."""

    def take(self, glance: Glance) -> Sequence[float | None]:
        """Take the next frame; give what is certain of earlier ones, in order.

        That is the share (0..1, both excluded) of the shot that comes, or None where one shot is seen alone.
        """
        self._glances.append(glance)
        self._found.append((0.0, None))
        for length in _LENGTHS:
            if length < len(self._glances):
                self._look(length)
        return [self._found.popleft()[1]] if len(self._found) > _LENGTHS[-1] else []

    def rest(self) -> Sequence[float | None]:
        """Give what is known of the other frames: none comes after them."""
        rest = [share for _, share in self._found]
        self._found.clear()
        return rest

    def _look(self, length: int) -> None:
        """Hold the newest frame against an earlier one: are those between them made of both?"""
        first, last = self._glances[-1 - length], self._glances[-1]
        change = first.change(last)
        if change < _CHANGE:
            return
        limit = _ODDNESS if change < _ANOTHER else _ODDNESS_OF_ANOTHER
        shares = _shares(first, last, [self._glances[place] for place in range(-length, -1)], limit)
        if shares is None:
            return
        for place, share in enumerate(shares, start=-length):
            # Part of a dissolve looks like a shorter one: the ends that differ most are those of the whole.
            if _CLEAR < share < 1 - _CLEAR and self._found[place][0] < change:
                self._found[place] = (change, share)


def _shares(first: Glance, last: Glance, between: Sequence[Glance], limit: float) -> Sequence[float] | None:
    """Give the share of the last picture in each between; None where they are no mixtures, by a limit of oddness."""
    start = first.levels.ravel()
    difference = last.levels.ravel() - start
    few = between[:: max(1, len(between) // _MOST_LOOKS)]
    if _oddness(few, start, difference) > limit or _oddness(between, start, difference) > limit:
        return None
    # Where the ends differ much; the median, because what moves in one of them is in few places.
    telling = np.abs(difference) >= np.percentile(np.abs(difference), 75)
    shares = np.median(_gone(between, start)[:, telling] / difference[telling], axis=1)
    steps = np.diff(shares, prepend=0.0, append=1.0)
    if steps.max() > _CUT_STEP or steps.min() < -_BACK_STEP:
        return None
    return [float(share) for share in shares]


def _gone(glances: Sequence[Glance], start: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([glance.levels.ravel() for glance in glances]) - start


def _oddness(glances: Sequence[Glance], start: NDArray[np.float32], difference: NDArray[np.float32]) -> float:
    """Give what is left of the oddest of them after its part along the difference, by least squares."""
    gone = _gone(glances, start)
    power = float(difference @ difference)
    return float((np.square(gone).sum(axis=1) / power - np.square(gone @ difference / power)).max())
