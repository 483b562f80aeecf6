"""What a user may ask of a swapper."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SwapOptions:
    """Wishes; a swapper that cannot do a thing ignores its option."""

    shape: float = 0.8
    """0..1, from the target's own proportions to those of the source face."""
