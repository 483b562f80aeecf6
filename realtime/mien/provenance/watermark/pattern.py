"""What both sides of the mark agree on: the key, the tile of chips, and when which pattern is shown."""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

KEY: Final = b"mien-livemark-1"
"""Public: whoever has it can find the mark, and could forge or remove it. It is no secret and no proof of origin."""
CHIPS: Final = 32
"""Chips along each side of the tile, which is repeated over the picture."""
PATTERNS: Final = 4
"""So many patterns take turns: what stands still in a picture cannot look like all of them."""
SLOT_NS: Final = 500_000_000
"""How long one pattern is shown."""
SYNC_CHIPS: Final = CHIPS * CHIPS // 2
"""The chips of lowest rank are the same in every mark and say where the tile lies; the others carry the payload."""
_CHIPS_PER_SHORT_SIDE: Final = 90
_SMALLEST_CHIP_PX: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """One of the patterns: which chip does what."""

    signs: NDArray[np.float32]
    """(1024,) -1 or 1 for every chip, row by row."""
    sync: NDArray[np.intp]
    """(512,) the chips that are always the same, by rank."""
    data: NDArray[np.intp]
    """(512,) the chips that carry the payload, by rank: the i-th carries coded bit `i % coded bits`."""


@cache
def patterns() -> tuple[Pattern, ...]:
    """Derive the four patterns from the key.

    For chip `c` (row * 32 + column) of pattern `k` the digest SHA-256(KEY, one byte k, two bytes c, big-endian) gives
    the rank (its first eight bytes, a big-endian number) and the sign (1 where its ninth byte is odd).
    """
    return tuple(_pattern(number) for number in range(PATTERNS))


def _pattern(number: int) -> Pattern:
    digests = [
        hashlib.sha256(KEY + number.to_bytes(1, "big") + chip.to_bytes(2, "big")).digest()
        for chip in range(CHIPS * CHIPS)
    ]
    order = np.argsort(np.array([int.from_bytes(digest[:8], "big") for digest in digests], np.uint64), kind="stable")
    signs = np.array([1.0 if digest[8] & 1 else -1.0 for digest in digests], np.float32)
    return Pattern(signs, order[:SYNC_CHIPS], order[SYNC_CHIPS:])


def pattern_at(at_ns: int) -> int:
    """Give the number of the pattern that is shown at a time of any clock that runs evenly."""
    return at_ns // SLOT_NS % PATTERNS


def chip_px(width: int, height: int) -> int:
    """Give the side of a chip in pixels: 8 up to 720 lines, then in step with the short side.

    So a picture that is made smaller for a page or a tile of a call keeps chips that can be seen.
    """
    return max(_SMALLEST_CHIP_PX, round(min(width, height) / _CHIPS_PER_SHORT_SIDE))
