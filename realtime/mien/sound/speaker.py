"""Plays the microphone into an output device, as late as its picture: a call hears in step with the virtual camera."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from mien.sound.device_clock import Resampler
from mien.sound.devices import PortAudioStream, StreamTimes, StreamTrouble, open_output, output_device
from mien.sound.hub import SoundHub
from mien.sound.samples import CHANNELS, RATE_HZ, SamplesF32, Sound, silence
from mien_models.errors import MienError
from mien_models.system.crash.edge import ends_the_program, fault

_BLOCK_S: Final = 0.01
_WAIT_S: Final = 0.1
_AGAIN_S: Final = 1.0
_KEPT_S: Final = 2
"""Sound that may wait to be played."""
_READY_S: Final = 0.02
"""Sound has to be there so long before the device takes it: threads wake up when they can."""
_LATE_FOR_NS: Final = 10_000_000_000
"""For so long what came late keeps what follows from being played earlier."""


class Playout:
    """What waits to be played, by the number of the sample of the device. Has state: that, and what was played.

    One thread puts in, the device's own takes; neither waits for the other for longer than it takes to copy.
    """

    def __init__(self) -> None:
        self.rate_hz = RATE_HZ
        """Of the device; to be set as soon as it is open."""
        self._lock = threading.Lock()
        self._waiting: SamplesF32 = silence(0)
        self._first = 0
        self._played = 0
        self._anchor: tuple[int, int] | None = None

    def take(self, count: int, heard_ns: int) -> SamplesF32:
        """Give the next samples, (count, 2), which are heard at a time of `time.monotonic_ns()`."""
        with self._lock:
            self._anchor = self._played, heard_ns
            stale = min(max(self._played - self._first, 0), len(self._waiting))
            self._waiting, self._first = self._waiting[stale:], self._first + stale
            found, early = silence(count), self._first - self._played
            if 0 <= early < count:
                ready = self._waiting[: count - early]
                found[early : early + len(ready)] = ready
            self._played += count
            return found

    def put(self, samples: SamplesF32, first: int) -> None:
        """Lay in samples that follow on the last ones; `first` is the number of the first."""
        with self._lock:
            if first != self._first + len(self._waiting):
                self._waiting, self._first = silence(0), first
            self._waiting = np.concatenate([self._waiting, samples])[-_KEPT_S * self.rate_hz :]
            self._first = first + len(samples) - len(self._waiting)

    @property
    def ready_number(self) -> float:
        """The first sample that the device surely has not taken yet when it is laid in now."""
        with self._lock:
            return self._played + _READY_S * self.rate_hz

    def number_at(self, at_ns: int) -> float | None:
        """Say which sample is heard at a time; None before the first."""
        with self._lock:
            if self._anchor is None:
                return None
            number, heard_ns = self._anchor
            return number + (at_ns - heard_ns) * self.rate_hz / 1e9


class _Lateness:
    """By how much sound came later than it was to be played. Has state: how late it was in the last seconds.

    A microphone or a device that takes its time, or a picture that needs none: late sound is heard late, not lost.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float]] = deque()

    def most(self, late: float) -> float:
        """Note how many samples a piece comes late; give the most of late, at least 0."""
        now_ns = time.monotonic_ns()
        while self._seen and self._seen[0][0] < now_ns - _LATE_FOR_NS:
            self._seen.popleft()
        self._seen.append((now_ns, max(late, 0.0)))
        return max(one for _, one in self._seen)


class Speaker:
    """Has state: the device while it is there. What it plays is stretched to the device's own clock, without clicks."""

    def __init__(
        self,
        name: str,
        hub: SoundHub,
        delay_ns: Callable[[], int],
        on_open: Callable[[str], None],
        on_away: Callable[[str], None],
    ) -> None:
        """Take the device's name, what is heard, by how much it is held back, and who hears how that goes."""
        self._name, self._hub, self._delay_ns = name, hub, delay_ns
        self._on_open, self._on_away = on_open, on_away
        self._is_ending = threading.Event()
        self._said = ""
        self._thread = threading.Thread(target=self._work, name="mien-speaker", daemon=True)

    def start(self) -> None:
        """Begin to play."""
        self._thread.start()

    def close(self) -> None:
        """Stop; waits for that."""
        self._is_ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self._is_ending.is_set():
            try:
                self._play()
            except Exception as error:  # the edge of a thread: a device may fail, the pictures go on
                if ends_the_program(error):
                    raise
                self._be_away(fault(error, "The microphone cannot be played"))

    def _be_away(self, error: MienError) -> None:
        if str(error) != self._said:
            self._said = str(error)
            self._on_away(self._said)
        self._is_ending.wait(_AGAIN_S)

    def _play(self) -> None:
        device = output_device(self._name)
        playout = Playout()

        def fill(samples: SamplesF32, frames: int, times: StreamTimes, _trouble: StreamTrouble) -> None:
            ahead_s = max(times.outputBufferDacTime - times.currentTime, 0.0)
            samples[:] = playout.take(frames, time.monotonic_ns() + round(ahead_s * 1e9))

        stream, playout.rate_hz = open_output(device, channels=CHANNELS, block_s=_BLOCK_S, callback=fill)
        try:
            self._said = ""
            self._on_open(device.name)
            self._feed(playout, stream)
        finally:
            stream.close(ignore_errors=True)

    def _feed(self, playout: Playout, stream: PortAudioStream) -> None:
        feed, lateness = self._hub.listen(), _Lateness()
        resampler: Resampler | None = None
        try:
            while not self._is_ending.is_set() and stream.active:
                if feed is None:
                    feed = self._hub.listen()
                if feed is None or not feed.wait(_WAIT_S):
                    self._is_ending.wait(_WAIT_S if feed is None else 0)
                    continue
                heard = feed.take()
                if heard is not None:
                    resampler = self._pass_on(heard, playout, lateness, resampler)
        finally:
            if feed is not None:
                self._hub.leave(feed)

    def _pass_on(
        self, heard: Sound, playout: Playout, lateness: _Lateness, resampler: Resampler | None
    ) -> Resampler | None:
        number = playout.number_at(heard.captured_ns + self._delay_ns())
        if number is None:
            return None
        # Of a piece that waited, only the newest says how late sound is: the thread was held up, and is no longer.
        newest = number + max(len(heard.samples) / RATE_HZ - _READY_S, 0.0) * playout.rate_hz
        number += lateness.most(playout.ready_number - newest)
        resampler = resampler or Resampler(RATE_HZ, max(round(number), 0), playout.rate_hz)
        first = resampler.next_index
        ready = resampler.feed(heard.samples, number)
        if len(ready):
            playout.put(ready, first)
        return resampler
