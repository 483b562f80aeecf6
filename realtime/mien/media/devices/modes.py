"""The formats, sizes and rates of cameras, and which of them is asked for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final


@dataclass(frozen=True, slots=True)
class VideoMode:
    """One way in which a camera can send pictures."""

    fourcc: str
    """Four characters, for instance 'MJPG', 'YUYV', 'NV12'."""
    width: int
    height: int
    fps: Fraction | None
    """The rate of this size; None where the driver does not say."""

    def __str__(self) -> str:
        """Say it to people."""
        rate = f" at {float(self.fps):.4g} fps" if self.fps else ""
        return f"{self.fourcc} {self.width}x{self.height}{rate}"


@dataclass(frozen=True, slots=True)
class ModeWish:
    """What is asked of a camera; None leaves it to `choose_mode`."""

    width: int | None = None
    height: int | None = None
    fps: Fraction | None = None


DEFAULT_SIZE: Final = (1280, 720)
DEFAULT_FPS: Final = Fraction(60)
"""Asked for even where the output has 30: exposure, read-out and transfer of a frame get shorter with its interval."""

_FLUENT_FPS: Final = 24
"""Below it a picture stutters: a smaller picture is the better one."""

# What OpenCV turns into BGR by itself, cheapest first: 720p takes it 0.5, 0.7 and 5 ms.
_COST_ORDER: Final = ("NV12", "NV21", "YU12", "YV12", "YUYV", "UYVY", "BGR3", "RGB3", "MJPG", "JPEG")


def choose_mode(modes: Sequence[VideoMode], wish: ModeWish) -> VideoMode | None:
    """Pick the mode to ask for; None when a camera lists none that can be shown.

    In this order: a fluent rate (unless a size is wished for), the nearest size, the nearest rate (the highest up to 60
    without a wish), the format that is the cheapest to decode. So MJPG is taken where it is the fast format over USB,
    YUYV and NV12 only where they are as fast.
    """
    usable = [mode for mode in modes if mode.fourcc in _COST_ORDER]
    return min(usable, key=lambda mode: _badness(mode, wish), default=None)


def _badness(mode: VideoMode, wish: ModeWish) -> tuple[float, ...]:
    fps = float(mode.fps or 30)
    wished_fps = float(wish.fps or DEFAULT_FPS)
    stutters = fps < min(_FLUENT_FPS, wished_fps)
    is_size_free = wish.width is None and wish.height is None
    return (
        float(stutters and is_size_free),
        _size_distance(mode, wish),
        abs(fps - wished_fps) + (1000 if fps > wished_fps * 1.5 else 0),
        _COST_ORDER.index(mode.fourcc),
    )


def _size_distance(mode: VideoMode, wish: ModeWish) -> float:
    default_width, default_height = DEFAULT_SIZE
    if wish.width is None and wish.height is not None:
        default_width = round(wish.height * default_width / default_height)
    if wish.height is None and wish.width is not None:
        default_height = round(wish.width * default_height / default_width)
    width, height = wish.width or default_width, wish.height or default_height
    return abs(math.log2(mode.width / width)) + abs(math.log2(mode.height / height))
