"""How recordings are made: how good, and how large."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordingWish:
    """What the user wants of recordings; counts from the next file on."""

    quality: int | None = 20
    """x264's constant rate factor, smaller is better; 20 is visually clean. None: as a stream of that size is."""
    height: int | None = None
    """Rows; None: those of the picture."""

    def size_of(self, width: int, height: int) -> tuple[int, int]:
        """Give width and height for pictures of a size: never larger, the width follows the height."""
        rows = height if self.height is None else min(self.height, height)
        return 2 * round(width * rows / height / 2), rows
