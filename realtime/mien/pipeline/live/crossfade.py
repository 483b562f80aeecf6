"""From what protected a face to its swapped picture, over a few frames."""

from dataclasses import dataclass
from typing import Final, Self

from mien.provenance.release import SwappedPicture
from mien_models.types import BgrU8

FADE_S: Final = 0.17
"""Five frames of thirty a second: long enough not to be a blow, too short to be waited for."""


@dataclass(frozen=True, slots=True, eq=False)
class Crossfade:
    """A cross-fade between two pictures that are both safe to show; so is everything between them."""

    before_bgr: BgrU8
    """What was shown last, of the session's size: a card, a blur or a swapped picture, never the camera's own."""
    began_ns: int
    """When the picture before the first swapped one was delivered."""
    length_s: float

    @classmethod
    def after(cls, before_bgr: BgrU8, *, away_s: float, began_ns: int) -> Self:
        """Fade for no longer than the swapped picture was away: one missed frame leaves no double image behind."""
        return cls(before_bgr, began_ns, min(FADE_S, away_s))

    def picture(self, swapped: SwappedPicture, now_ns: int) -> SwappedPicture | None:
        """Mix the swapped picture of now, of the same size, into what was before; None when the fade is over."""
        share = (now_ns - self.began_ns) * 1e-9 / max(self.length_s, 1e-9)
        if share >= 1:
            return None
        return swapped.mixed_into(self.before_bgr, max(share, 0.0))
