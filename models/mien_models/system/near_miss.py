"""What was probably meant by a name that nothing has."""

import difflib
from collections.abc import Iterable
from typing import Final

_ALIKE: Final = 0.6
LOOSE: Final = 0.4
"""For names that people call by a part of them, such as those of devices."""


def near_miss(name: str, known: Iterable[str], alike: float = _ALIKE) -> str | None:
    """Give the one of the known names that is nearest, capital letters or not; None where none is near.

    Args:
        name: what was given.
        known: the names that there are.
        alike: 0..1, how much of both has to be the same.
    """
    by_lower = {one.lower(): one for one in reversed(tuple(known))}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=alike)
    return by_lower[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "", *, alike: float = _ALIKE) -> str:
    """Ask whether the nearest of the known names was meant; give `otherwise` where none is near."""
    near = near_miss(name, known, alike)
    return f"did you mean {near!r}?" if near is not None else otherwise
