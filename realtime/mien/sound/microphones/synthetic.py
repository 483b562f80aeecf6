"""A microphone where there is none: it claps every two seconds, when the synthetic camera shows its square."""

import math
import time
from collections.abc import Callable
from fractions import Fraction
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from mien.media.clap import claps_ns
from mien.sound.microphone import SYNTHETIC, MicrophoneInfo, MicrophonePlugin, MicrophoneRequest
from mien.sound.samples import RATE_HZ, RawSound, SamplesF32, samples_ns

_BLOCK: Final = 480
_HUM_LEVEL, _HUM_HZ = 0.003, 220
_CLICK: Final = 0.8 * np.cos(np.arange(96) * (math.tau * 3000 / RATE_HZ))
"""Two milliseconds of a high tone: begins at once, and every codec keeps it."""


class SyntheticMicrophone:
    """Gives a quiet tone and clicks, in real time; has state: the next sample. Its clock can be made to run wrong."""

    def __init__(
        self,
        request: MicrophoneRequest,
        drift_ppm: float = 0.0,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._fps = Fraction(request.camera_fps)
        self._sample_ns = 1e9 / (RATE_HZ * (1 + drift_ppm * 1e-6))
        self._clock_ns, self._wait = clock_ns, wait
        self._began_ns = 0
        self._given = 0

    @property
    def info(self) -> MicrophoneInfo:
        """What it says of itself."""
        return MicrophoneInfo("synthetic microphone, a click every two seconds", RATE_HZ, 1)

    def __enter__(self) -> Self:
        """Begin now."""
        self._began_ns, self._given = self._clock_ns(), 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of nothing."""

    def read(self, timeout_s: float) -> RawSound | None:
        """Give the next 10 ms when they are over."""
        begins_ns = self._began_ns + round(self._given * self._sample_ns)
        wait_s = (begins_ns + samples_ns(_BLOCK) - self._clock_ns()) / 1e9
        if wait_s > 0:
            self._wait(min(wait_s, timeout_s))
        if wait_s > timeout_s:
            return None
        numbers = self._given + np.arange(_BLOCK)
        self._given += _BLOCK
        return RawSound(self._samples(numbers), begins_ns)

    def _samples(self, numbers: NDArray[np.int64]) -> SamplesF32:
        sound = _HUM_LEVEL * np.sin(numbers * (math.tau * _HUM_HZ / RATE_HZ))
        first = int(numbers[0])
        begins_ns = self._began_ns + round((first - len(_CLICK)) * self._sample_ns)
        ends_ns = self._began_ns + round((first + len(numbers)) * self._sample_ns)
        for clap_ns in claps_ns(begins_ns, ends_ns, self._fps):
            at = math.ceil((clap_ns - self._began_ns) / self._sample_ns) - first
            heard = slice(max(at, 0), min(at + len(_CLICK), len(sound)))
            sound[heard] += _CLICK[heard.start - at : heard.stop - at]
        samples: SamplesF32 = sound.astype(np.float32).reshape(-1, 1)
        return samples


PLUGIN: Final = MicrophonePlugin(SyntheticMicrophone, (SYNTHETIC,))
