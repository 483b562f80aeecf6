"""The session's sound: one microphone, brought to the frames' clock, given to everybody who listens."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from mien.sound.device_clock import DeviceClock, Resampler
from mien.sound.feed import Feed
from mien.sound.microphone import Microphone, MicrophoneInfo, MicrophoneRequest, make_microphone
from mien.sound.samples import RATE_HZ, Level, Meter, RawSound, SamplesF32, Sound, samples_ns, silence
from mien_models.errors import MienError
from mien_models.system.crash.edge import ends_the_program, fault

_LOG = logging.getLogger(__name__)
_READ_S: Final = 0.1
_OFF: Final = "No microphone is used."
_AGAIN_S: Final = 1.0
_BEHIND_NS: Final = 300_000_000
"""While there is no microphone, silence is given up to so long ago: no sound that is only late is ever written over."""
_DEAD_S: Final = 5.0
_FADE: Final = 480
"""Samples over which muting fades, 10 ms: no click."""


class SoundState(Enum):
    """How the microphone is doing."""

    OPENING = "opening"
    ON = "on"
    AWAY = "away"
    """It does not open or is gone; silence is given, and it is tried again every second."""
    OFF = "off"


@dataclass(frozen=True, slots=True)
class SoundStatus:
    """The microphone at one moment."""

    state: SoundState
    description: str
    """Which microphone it is, or why there is none."""
    level: Level
    is_muted: bool
    drift_ppm: float
    """How much faster its clock runs than it says."""
    gaps: int
    """How often sound was missing since the beginning."""


class SoundHub:
    """Has state: the thread that reads the microphone, who listens, and the position of the next sample.

    The microphone may go, come back at another rate, or be changed for another one: listeners get silence meanwhile,
    sample after sample on the same clock. Any thread may call anything.
    """

    def __init__(
        self,
        request: MicrophoneRequest | None,
        on_open: Callable[[str], None],
        on_away: Callable[[str], None],
        make: Callable[[MicrophoneRequest], Microphone] = make_microphone,
    ) -> None:
        """Take which microphone (None: none for now), and who hears when it opens (which one) or is away (why)."""
        self._request, self._make = request, make
        self._on_open, self._on_away = on_open, on_away
        self._lock = threading.Lock()
        self._feeds: tuple[Feed, ...] = ()
        self._meter = Meter()
        self._state = SoundState.OFF
        self._description = _OFF
        self._drift_ppm, self._gaps, self._next_index, self._origin_ns = 0.0, 0, 0, 0
        self._gain = 1.0
        self._dead_s = 0.0
        self._is_changed = threading.Event()
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mien-sound", daemon=True)
        self.was_on = False
        """Whether a microphone was open once."""
        self.is_muted = False
        """Set by the user; listeners get silence."""
        self.is_hushed = False
        """Set while the panic key is down."""

    def start(self) -> None:
        """Open the microphone, in a thread, as soon as somebody listens."""
        self._origin_ns = time.monotonic_ns()
        self._thread.start()

    def close(self) -> None:
        """Close it; waits for that."""
        self._is_ending.set()
        self._is_changed.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._state = SoundState.OFF

    def change(self, request: MicrophoneRequest | None) -> None:
        """Take another microphone from now on, or none."""
        self._request = request
        self._is_changed.set()

    def listen(self) -> Feed | None:
        """Give everything that is heard from now on; None where no microphone is wanted."""
        if self._request is None:
            return None
        feed = Feed()
        with self._lock:
            is_first, self._feeds = not self._feeds, (*self._feeds, feed)
        if is_first:
            self._is_changed.set()
        return feed

    def leave(self, feed: Feed) -> None:
        """Stop giving; with the last listener the microphone is closed."""
        with self._lock:
            self._feeds = tuple(one for one in self._feeds if one is not feed)
            is_last = not self._feeds
        if is_last:
            self._is_changed.set()

    @property
    def status(self) -> SoundStatus:
        """Say how it is."""
        is_muted = self.is_muted or self.is_hushed
        drift_ppm = round(self._drift_ppm, 1)
        return SoundStatus(self._state, self._description, self._meter.level, is_muted, drift_ppm, self._gaps)

    def _work(self) -> None:
        while not self._is_ending.is_set():
            self._is_changed.clear()
            request = self._request
            if request is None or not self._feeds:
                self._state, self._description = SoundState.OFF, _OFF
                self._is_changed.wait()
                continue
            if self._state is SoundState.OFF:
                self._state = SoundState.OPENING
            try:
                with self._make(request) as microphone:
                    self._play(microphone)
            except Exception as error:  # the edge of a thread: a microphone may fail, the pictures go on
                if ends_the_program(error):
                    raise
                self._be_away(fault(error, "The microphone failed"))

    def _play(self, microphone: Microphone) -> None:
        info = microphone.info
        self._state, self._description, self._dead_s = SoundState.ON, info.description, 0.0
        self.was_on = True
        self._on_open(info.description)
        clock = DeviceClock(info.rate_hz)
        resampler: Resampler | None = None
        resets = 0
        while not self._is_changed.is_set():
            raw = microphone.read(_READ_S)
            if raw is None:
                continue
            if resampler is None:
                resampler = Resampler(info.rate_hz, self._next_index)
            self._gaps += raw.is_after_loss or clock.resets > resets
            resets = clock.resets
            self._give(resampler.feed(raw.samples, self._position(clock, raw)))
            self._drift_ppm = clock.drift_ppm
            self._look_for_life(raw, info)

    def _position(self, clock: DeviceClock, raw: RawSound) -> float:
        return (clock.stamp(len(raw.samples), raw.captured_ns) - self._origin_ns) * RATE_HZ / 1e9

    def _be_away(self, error: MienError) -> None:
        """Give silence until it is time to try again."""
        if self._state is not SoundState.AWAY and self._description != str(error):
            self._on_away(str(error))
            self._gaps += 1
        self._state, self._description = SoundState.AWAY, str(error)
        ends_s = time.monotonic() + _AGAIN_S
        while time.monotonic() < ends_s and not self._is_changed.wait(_READ_S):
            due = (time.monotonic_ns() - _BEHIND_NS - self._origin_ns) * RATE_HZ // 1_000_000_000
            self._give(silence(max(0, due - self._next_index)))

    def _give(self, samples: SamplesF32) -> None:
        if not len(samples):
            return
        self._meter.feed(samples)
        captured_ns = self._origin_ns + samples_ns(self._next_index)
        sound = Sound(self._muted(samples), self._next_index, captured_ns)
        self._next_index += len(samples)
        with self._lock:
            for feed in self._feeds:
                feed.put(sound)

    def _muted(self, samples: SamplesF32) -> SamplesF32:
        wanted = 0.0 if self.is_muted or self.is_hushed else 1.0
        if wanted == self._gain:
            return samples if wanted else silence(len(samples))
        faded = np.full(len(samples), wanted, np.float32)
        fade = np.linspace(self._gain, wanted, min(_FADE, len(samples)), dtype=np.float32)
        faded[: len(fade)] = fade
        self._gain = wanted
        return samples * faded[:, None]

    def _look_for_life(self, raw: RawSound, info: MicrophoneInfo) -> None:
        """Say it when a microphone is switched off at its own key or blocked by the system: it then gives zeros."""
        before_s, self._dead_s = (
            self._dead_s,
            0.0 if raw.samples.any() else self._dead_s + len(raw.samples) / info.rate_hz,
        )
        if before_s < _DEAD_S <= self._dead_s:
            _LOG.warning(
                "The microphone (%s) gives nothing but silence; is it muted, or blocked by the system?",
                info.description,
            )
