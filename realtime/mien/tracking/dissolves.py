"""Finds dissolves in a film: stretches in which one shot fades into the next, into black or out of it."""

from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np

from mien.tracking.scan import Glance

_LENGTHS: Final = (2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 135, 200)
"""Frames from a picture to the one that it is held against; each a half more than the one before it."""
_CHANGE: Final = 0.2
"""How little (0 the same, 1 nothing in common) the two ends of a dissolve are alike at least."""
_ODDNESS: Final = 0.17
"""Power of what is in a picture and in neither end, in parts of the ends' difference and of their change.

Measured: 0.0 to 0.03 in dissolves of 8 to 30 frames between real clips, up to 0.16 where large people move throughout;
in somebody large who only moves 0.23 at least; no stretch of seven clips without dissolves comes below the limit.
"""
_CLEAR: Final = 0.04
"""A share up to which the other shot is not seen."""
_STEADY: Final = 0.25
"""Of the growth of a fade that takes as long as the stretch, what a part of it grows by at least."""
_CUT_STEP: Final = 0.86
"""A share that grows more from one frame to the next is a hard cut, beside which something moves."""
_STEEPEST: Final = 4.0
"""Times as steep as a fade that takes as long as the stretch, at most."""
_BACK_STEP: Final = 0.1
"""A share that goes back by more is no fade."""


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
        shares = _shares(first, last, change, [self._glances[place] for place in range(-length, -1)])
        if shares is None:
            return
        # Part of a dissolve looks like a shorter one: the ends that differ most are those of the whole.
        for place in _mixed(shares):
            if self._found[place - length][0] < change:
                self._found[place - length] = (change, shares[place])


def _mixed(shares: Sequence[float]) -> range:
    """Give the places, from 0, at which both shots are seen: those around the middle between which the share grows.

    Before and after them somebody moves, which may look like a small share too, but like one that stays.
    """
    reach = max(3, len(shares) // 8)
    least = _STEADY * reach / len(shares)
    known = np.concatenate([np.zeros(reach), shares, np.ones(reach)])
    first = last = int(np.searchsorted(np.maximum.accumulate(shares), 0.5))
    while first > 0 and shares[first - 1] > _CLEAR and known[first - 1 + reach] - known[first - 1] > least:
        first -= 1
    while last < len(shares) and shares[last] < 1 - _CLEAR and known[last + 2 * reach] - known[last + reach] > least:
        last += 1
    return range(first, last)


def _shares(first: Glance, last: Glance, change: float, between: Sequence[Glance]) -> Sequence[float] | None:
    """Give the share of the last picture in each between, by least squares; None where they are no such mixtures."""
    start = first.levels.ravel()
    difference = last.levels.ravel() - start
    power = float(difference @ difference)
    gone = np.stack([glance.levels.ravel() for glance in between]) - start
    shares = gone @ difference / power
    oddness = np.square(gone).sum(axis=1) / power - np.square(shares)
    steps = np.diff(shares, prepend=0.0, append=1.0)
    steepest = min(_CUT_STEP, _STEEPEST / len(steps))
    if oddness.max() > _ODDNESS * change or steps.max() > steepest or steps.min() < -_BACK_STEP:
        return None
    return [float(share) for share in shares]
