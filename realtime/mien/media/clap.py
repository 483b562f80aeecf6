"""When the synthetic camera shows a white square and the synthetic microphone clicks: every two seconds, together.

Both follow `time.monotonic_ns()` alone, and so need not know of each other: frame n of a rate is due at n / rate
seconds of that clock, and the first one of every two seconds claps.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

CLAP_EVERY_S: Final = 2


def is_clap(number: int, fps: Fraction) -> bool:
    """Whether frame `number` of the clock, due at number / fps seconds, shows the square."""
    return number % (CLAP_EVERY_S * fps) < 1


def claps_ns(from_ns: int, until_ns: int, fps: Fraction) -> list[int]:
    """Give the claps of from_ns <= t < until_ns, as times of `time.monotonic_ns()`."""
    every_ns = CLAP_EVERY_S * 1_000_000_000
    rounds = range(from_ns // every_ns - 1, until_ns // every_ns + 1)
    found = [due_ns(math.ceil(CLAP_EVERY_S * k * fps), fps) for k in rounds if k >= 0]
    return [clap_ns for clap_ns in found if from_ns <= clap_ns < until_ns]


def due_ns(number: int, fps: Fraction) -> int:
    """Give when frame `number` of the clock is due."""
    return int(number * 1_000_000_000 / fps)


@dataclass(frozen=True, slots=True)
class Square:
    """Where the square is: in parts of the picture's height, from its left and lower edge."""

    side: float
    margin: float

    def of(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Give that part of a picture, (height, width, ...), to look at or to paint."""
        side, margin = max(round(self.side * len(image)), 2), round(self.margin * len(image))
        return image[len(image) - margin - side : len(image) - margin, margin : margin + side]


SQUARE: Final = Square(0.12, 0.04)
"""Far from a face in the middle, and from the label at the upper right."""
