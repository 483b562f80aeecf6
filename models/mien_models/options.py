"""What a user may ask of a swapper."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SwapOptions:
    """Wishes; a swapper that cannot do a thing ignores its option."""

    shape: float = 0.8
    """0..1, from the target's own proportions to those of the source face."""
    strength: float = 1.0
    """How much of the source's identity a network is given: 0 the target's own, 1 the source's, above 1 more."""
    boost: int = 1
    """A network is run on so many times its side, in interleaved parts; its cost grows with the square."""
    morph: float | None = None
    """0..1, for DeepFaceLab's models that have such an input; None: as the model's own settings say."""
    template: str | None = None
    """A name of `mien_models.templates` to align faces with instead of the one that a network was trained with."""
