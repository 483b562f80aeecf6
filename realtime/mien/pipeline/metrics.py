"""Meters that cost next to nothing per frame and stay the same size for hours, and parts that are left out by them."""

import math
import os
import sys
import time
from collections import deque
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

_SMALLEST_MS: Final = 0.001
_LARGEST_MS: Final = 1e6
_STEP: Final = math.log(1.01)
"""A bin is 1 % wide: a percentile read from bins is off by at most half of that."""
_BINS: Final = math.ceil(math.log(_LARGEST_MS / _SMALLEST_MS) / _STEP) + 1


class Histogram:
    """Durations in bins of 1 %: percentiles over any number of frames in about 20 kB.

    One thread records at a time; any thread may read.
    """

    def __init__(self) -> None:
        self._counts = [0] * _BINS
        self._recent_ms: deque[float] = deque(maxlen=31)

    def record_ms(self, duration_ms: float) -> None:
        """Count one duration; below 1 µs and above 1000 s it falls in the outermost bin."""
        place = int(math.log(max(duration_ms, _SMALLEST_MS) / _SMALLEST_MS) / _STEP)
        self._counts[min(place, _BINS - 1)] += 1
        self._recent_ms.append(duration_ms)

    @property
    def count(self) -> int:
        """How many durations were recorded."""
        return sum(self._counts)

    @property
    def recent_median_ms(self) -> float | None:
        """The median of the last 31 durations; None before the first."""
        recent = tuple(self._recent_ms)
        return median(recent) if recent else None

    def recent_ms(self, percent: float) -> float | None:
        """What `percent` of the last 31 durations do not exceed; None before the first."""
        recent = sorted(self._recent_ms)
        return recent[max(math.ceil(len(recent) * percent / 100), 1) - 1] if recent else None

    def percentile_ms(self, percent: float) -> float | None:
        """The duration that `percent` of all durations do not exceed, within 1 %; None before the first."""
        counts = tuple(self._counts)
        wanted = max(math.ceil(sum(counts) * percent / 100), 1)
        seen = 0
        for place, count in enumerate(counts):
            seen += count
            if seen >= wanted:
                return _SMALLEST_MS * math.exp((place + 0.5) * _STEP)
        return None

    @contextmanager
    def measure(self) -> Generator[None, None, None]:
        """Record how long the block took, unless it raised."""
        started_ns = time.monotonic_ns()
        yield
        self.record_ms((time.monotonic_ns() - started_ns) / 1e6)


class Rate:
    """Counts events and knows how many there were in a second, from the first to the last."""

    def __init__(self) -> None:
        self.count = 0
        self._first_ns = 0
        self._last_ns = 0
        self._intervals_ms: deque[float] = deque(maxlen=31)

    def tick(self, now_ns: int) -> None:
        """Count one event."""
        if self.count == 0:
            self._first_ns = now_ns
        else:
            self._intervals_ms.append((now_ns - self._last_ns) / 1e6)
        self._last_ns = now_ns
        self.count += 1

    @property
    def per_second(self) -> float | None:
        """Events a second; None before the second event."""
        if self.count < 2 or self._last_ns == self._first_ns:
            return None
        return (self.count - 1) * 1e9 / (self._last_ns - self._first_ns)

    @property
    def recent_interval_ms(self) -> float | None:
        """The median of the last 31 intervals; None before the second event."""
        intervals = tuple(self._intervals_ms)
        return median(intervals) if intervals else None

    @property
    def recent_fps(self) -> float | None:
        """Events a second of late, by that median; None before the second event."""
        interval_ms = self.recent_interval_ms
        return 1000 / interval_ms if interval_ms else None


class Memory:
    """The process's resident memory in MB (10^6 bytes): at the start, the highest sample, and now."""

    def __init__(self) -> None:
        self.start_mb = resident_mb()
        self.peak_mb = self.start_mb
        self.end_mb = self.start_mb

    def sample(self) -> None:
        """Look at it now."""
        self.end_mb = resident_mb()
        self.peak_mb = max(self.peak_mb, self.end_mb)


def resident_mb() -> float:
    """Resident memory of this process in MB (10^6 bytes)."""
    import psutil

    return float(psutil.Process().memory_info().rss) / 1e6


def process_age_s() -> float:
    """Seconds since the operating system started this process."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME) - process_began_s(os.getpid())
    return max(datetime.now(UTC).timestamp() - process_began_s(os.getpid()), 0.0)


def process_began_s(pid: int) -> float:
    """When a process began: seconds since the system did (Linux), elsewhere since 1970. With its number it names one.

    On Linux psutil adds whole seconds of a boot time that moves when somebody sets the clock; the ticks stay.

    Raises:
        OSError: there is no such process.
    """
    if sys.platform == "linux":
        ticks = int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
        return ticks / os.sysconf("SC_CLK_TCK")
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error as error:
        raise ProcessLookupError(str(error)) from error


class Part:
    """Switched by one thread, asked and measured by its stage's thread. Has state: on or off, and its times."""

    def __init__(self, name: str, *, goes_first: bool = False) -> None:
        """Name it as a sentence begins: 'The grain'; `goes_first`: others are missed more, whatever they take."""
        self.name = name
        self.goes_first = goes_first
        self.is_on = True
        """Whether the stage shall do it; ask once per frame."""
        self._times = Histogram()

    @property
    def cost_ms(self) -> float | None:
        """The median of its last times; None before the first."""
        return self._times.recent_median_ms

    def switch(self, *, on: bool) -> None:
        """Do it, or leave it out, from the next frame on."""
        self.is_on = on

    def measured(self) -> AbstractContextManager[None]:
        """Measure the block, which does the part for a frame, or for one of its faces."""
        return self._times.measure()
