"""Two clocks that disagree: when a sound card's blocks really began, and sound brought to another clock and rate."""

import math
from fractions import Fraction
from typing import Final

import av
import av.error
import av.filter
import numpy as np

from mien.sound.samples import CHANNELS, RATE_HZ, SamplesF32

_FIRST_BANDWIDTH_HZ: Final = 0.5
_BANDWIDTH_HZ: Final = 0.02
"""So slow that the system's late callbacks (milliseconds) are averaged away, and drift (seconds to minutes) is not."""
_SETTLES_S: Final = 10.0
_LOST_NS: Final = 100_000_000
"""A stamp that is further off than this is no jitter: samples were lost, or the device stood still."""
_STRETCH: Final = 0.003
"""Nobody hears 5 cents; 20 ms are made up for in seven seconds."""
_STRETCHED_FROM_S: Final = 0.001
_FILLED_FROM_S: Final = 0.08
"""What is missing for longer becomes silence, what is too much is cut out."""


class DeviceClock:
    """A delay-locked loop over the stamps of blocks. Has state: the time expected next, and the length of a sample.

    Stamps jitter by the system's scheduling; what they say on the average is right. The loop is the second-order one of
    Fons Adriaensen, 'Using a DLL to filter time' (2005), with a bandwidth that narrows while it settles.
    """

    def __init__(self, rate_hz: float) -> None:
        """Take the rate that the device says it has."""
        self._nominal_ns = 1e9 / rate_hz
        self._sample_ns = self._nominal_ns
        self._next_ns: float | None = None
        self._seen_s = 0.0
        self.resets = 0
        """How often it began anew, because sound was missing."""

    def stamp(self, count: int, captured_ns: int) -> int:
        """Give when a block of `count` samples began, without the jitter of `captured_ns`."""
        if self._next_ns is None or abs(captured_ns - self._next_ns) > _LOST_NS:
            self.resets += self._next_ns is not None
            self._seen_s = 0.0
            self._next_ns = captured_ns + count * self._sample_ns
            return captured_ns
        began_ns = self._next_ns
        error_ns = captured_ns - began_ns
        period_s = count * self._sample_ns / 1e9
        omega = math.tau * self._bandwidth_hz * period_s
        self._sample_ns += omega**2 * error_ns / count
        self._next_ns = began_ns + math.sqrt(2) * omega * error_ns + count * self._sample_ns
        self._seen_s += period_s
        return round(began_ns)

    @property
    def drift_ppm(self) -> float:
        """How much faster than it says the device runs, in millionths; measured over the last minute or so."""
        return (self._nominal_ns / self._sample_ns - 1) * 1e6

    @property
    def _bandwidth_hz(self) -> float:
        settled = min(self._seen_s / _SETTLES_S, 1.0)
        return _FIRST_BANDWIDTH_HZ * math.pow(_BANDWIDTH_HZ / _FIRST_BANDWIDTH_HZ, settled)


class Resampler:
    """One stream of sound. Has state: FFmpeg's filter, and the position of the next sample it gives.

    What it gives has no gaps: sample n of it belongs to position n of the other clock.
    """

    def __init__(self, rate_hz: int, first_index: int = 0, given_hz: int = RATE_HZ) -> None:
        """Take the rate of what comes in, the first position that is wanted, and the rate of what is given."""
        self._rate_hz, self._given_hz = rate_hz, given_hz
        self._graph = av.filter.Graph()
        self._in = self._graph.add_abuffer(
            sample_rate=rate_hz, format="flt", layout="stereo", time_base=Fraction(1, given_hz)
        )
        # FFmpeg counts `first_pts` in samples of what comes in (libswresample, `swr_init`).
        first = round(first_index * rate_hz / given_hz)
        drift = f"min_comp={_STRETCHED_FROM_S}:max_soft_comp={_STRETCH}:min_hard_comp={_FILLED_FROM_S}"
        resample = self._graph.add("aresample", f"{given_hz}:async=1:{drift}:comp_duration=1:first_pts={first}")
        shape = self._graph.add("aformat", f"sample_fmts=flt:sample_rates={given_hz}:channel_layouts=stereo")
        self._out = self._graph.add("abuffersink")
        self._graph.link_nodes(self._in, resample, shape, self._out).configure()
        self.next_index = first_index

    def feed(self, samples: SamplesF32, index: float) -> SamplesF32:
        """Take sound, (n, 1 or 2), of a position in what is given; give what is ready, (n, 2), n may be 0."""
        # One voice as loud in both: FFmpeg would make it 3 dB quieter.
        both = np.broadcast_to(samples, (len(samples), CHANNELS)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(both.reshape(1, -1), "flt", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = self._rate_hz, round(index), Fraction(1, self._given_hz)
        self._in.push(frame)
        ready = self._pulled()
        self.next_index += len(ready)
        return ready

    def _pulled(self) -> SamplesF32:
        pieces: list[SamplesF32] = []
        while True:
            try:
                frame = self._out.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                break
            assert isinstance(frame, av.AudioFrame)  # noqa: S101 - what an abuffersink gives
            pieces.append(frame.to_ndarray().reshape(-1, CHANNELS).astype(np.float32, copy=False))
        return np.concatenate(pieces) if pieces else np.zeros((0, CHANNELS), np.float32)
