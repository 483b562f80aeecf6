"""The frame at hand."""

from dataclasses import dataclass

from mien_models.arrays import BgrU8


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture in which faces are followed."""

    image_bgr: BgrU8
    captured_ns: int
    """Grows from frame to frame; speeds and smoothing are computed from it."""
    shot: int = 0
    """Which shot of the film it belongs to."""
    is_cut: bool = False
    """Whether that shot begins with it, or is come back to."""
