"""Which neighbouring stages share a thread: pure functions."""

from collections.abc import Sequence
from typing import Final

_FULL: Final = 0.7
"""A thread may be busy for this part of a frame interval; the rest absorbs slow frames."""
_SLACK: Final = 0.15
"""A grouping is kept until it is this far out, so that noise does not make threads come and go."""

Groups = tuple[tuple[int, ...], ...]
"""Stages by their place, for instance ((0, 1), (2,)): the first two share a thread."""


def group_stages(costs_ms: Sequence[float], interval_ms: float, *, full: float = _FULL) -> Groups:
    """Share threads between neighbours while the sum of their costs stays under `full` of the frame interval.

    Taking as many as fit from the left gives the fewest threads. A stage that alone costs more has a thread of its own.
    """
    groups: list[tuple[int, ...]] = []
    filled_ms = 0.0
    for place, cost_ms in enumerate(costs_ms):
        if groups and filled_ms + cost_ms < full * interval_ms:
            groups[-1] = (*groups[-1], place)
            filled_ms += cost_ms
        else:
            groups.append((place,))
            filled_ms = cost_ms
    return tuple(groups)


def regroup(present: Groups, costs_ms: Sequence[float], interval_ms: float) -> Groups:
    """Give the grouping to go on with: the present one unless it is clearly too tight or clearly too loose."""
    sums = [sum(costs_ms[place] for place in group) for group in present if len(group) > 1]
    if any(total >= _FULL * (1 + _SLACK) * interval_ms for total in sums):
        return group_stages(costs_ms, interval_ms)
    looser = group_stages(costs_ms, interval_ms, full=_FULL * (1 - _SLACK))
    return looser if len(looser) < len(present) else present
