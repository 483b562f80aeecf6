"""When the synthetic camera shows a white square and the synthetic microphone clicks: every two seconds, together.

Both follow `time.monotonic_ns()` alone, and so need not know of each other: frame n of a rate is due at n / rate
seconds of that clock, and the first one of every two seconds claps.
"""

import math
from fractions import Fraction
from typing import Final

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
