"""Sound on its way: as a microphone gives it, and as everything else in Mien gets it."""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 48_000
"""What streams, calls and recordings use; every microphone is brought to it."""
CHANNELS: Final = 2
"""One voice is put in the middle, so that a change of microphone changes no file's layout."""

SamplesF32: TypeAlias = NDArray[np.float32]
"""(n, channels), -1..1."""


@dataclass(frozen=True, slots=True, eq=False)
class RawSound:
    """One block as a device gives it."""

    samples: SamplesF32
    """(n, 1 or 2), at the device's own rate."""
    captured_ns: int
    """`time.monotonic_ns()` when its first sample reached the microphone, as exactly as the system tells."""
    is_after_loss: bool = False
    """Whether the device lost samples right before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A piece of the session's sound: on the clock of the frames, without gaps."""

    samples: SamplesF32
    """(n, 2) at 48 kHz; silence where the microphone was away or is muted."""
    index: int
    """Number of its first sample since the sound began."""
    captured_ns: int
    """`time.monotonic_ns()` of its first sample."""

    @property
    def ends_ns(self) -> int:
        """When it ends."""
        return self.captured_ns + samples_ns(len(self.samples))


def samples_ns(count: int, rate_hz: float = RATE_HZ) -> int:
    """Say how long so many samples last."""
    return round(count * 1_000_000_000 / rate_hz)


def silence(count: int) -> SamplesF32:
    """Give (count, 2) zeros."""
    return np.zeros((count, CHANNELS), np.float32)
