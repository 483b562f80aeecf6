"""A live source that survives: what stalls, freezes or is unplugged is known within 2 s and brought back."""

import logging
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from types import TracebackType
from typing import Final, Self

from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import End, Outage, SourceInfo, SourceRequest
from mien.sources.reader_thread import Reading
from mien_models.errors import SourceError
from mien_models.types import BgrU8

_LEAST_S: Final = 1.0
_MOST_S: Final = 1.8
"""So that a fault is known within 2 s, however slow the camera is."""
_INTERVALS: Final = 10
_SAMPLES: Final = 64
"""Rows and columns that are looked at: 0.05 ms a frame."""
_log: Final = logging.getLogger(__name__)

_OPENING_S: Final = 10.0
"""A source that has given no frame so long after its opening began is given up."""
_RETRY_S: Final = 1.0
_RELEASE_S: Final = 2.0
"""A device that was left is given so long to be closed before it is opened anew: until then it would be busy."""
_MOST_HANGING: Final = 3
"""Openings that hang and never came back; one more would only hang as well."""
_NS: Final = 1_000_000_000


class Watchdog:
    """Judges by the frames that come whether a source has stalled or shows one picture for ever. Keeps the last one.

    Some drivers repeat the last picture for ever when the camera is gone (opencv#5221). A capture card may honestly
    show a still: so a picture that is still the same after the device was opened anew is believed from then on.
    """

    def __init__(self, *, can_freeze: bool) -> None:
        """Start with patience; `can_freeze` is False for what may honestly stand still."""
        self._is_still_suspicious = can_freeze
        self._limit_s = self._steady_limit_s = _LEAST_S
        self._new_ns = 0
        self._print: int | None = None
        self._is_repeating = False
        self._reported_print: int | None = None

    def restart(self, now_ns: int, patience_s: float) -> None:
        """Forget the last picture and wait `patience_s` for the first one."""
        self._new_ns, self._limit_s = now_ns, patience_s
        self._print, self._is_repeating = None, False

    def expect(self, fps: Fraction) -> None:
        """Set what a source of this rate may take between two new pictures."""
        self._steady_limit_s = min(_MOST_S, max(_LEAST_S, float(_INTERVALS / fps)))

    def saw(self, image_bgr: BgrU8, now_ns: int) -> None:
        """Take note of a frame that came."""
        fingerprint = _fingerprint(image_bgr) if self._is_still_suspicious else None
        self._is_repeating = fingerprint is not None and fingerprint == self._print
        self._print = fingerprint
        if not self._is_repeating:
            self._new_ns, self._limit_s = now_ns, self._steady_limit_s

    def remaining_s(self, now_ns: int) -> float:
        """Seconds until the next picture must have come, at least 0."""
        return max(0.0, self._limit_s - (now_ns - self._new_ns) / _NS)

    def trouble(self, now_ns: int) -> str | None:
        """Say what is wrong, in one sentence; None while all is well."""
        if self.remaining_s(now_ns) > 0:
            return None
        if not self._is_repeating:
            return f"The camera has sent nothing for {(now_ns - self._new_ns) / _NS:.1f} s."
        if self._print == self._reported_print:
            self._is_still_suspicious = False
            self._new_ns = now_ns
            return None
        self._reported_print = self._print
        return "The camera sends one and the same picture over and over."


def _fingerprint(image_bgr: BgrU8) -> int:
    height, width = image_bgr.shape[:2]
    sample = image_bgr[:: max(1, height // _SAMPLES), :: max(1, width // _SAMPLES)]
    return zlib.crc32(sample.tobytes())


class SurvivingSource:
    """Gives a live source's frames and reopens it by its own address when they cease; keeps the state of the outage.

    One thread reads; the device has a thread of its own (`Reading`).
    """

    def __init__(
        self,
        start: Callable[[SourceRequest], Reading],
        request: SourceRequest,
        *,
        can_freeze: bool,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open nothing yet.

        Args:
            start: begins a reading of what a request asks for.
            request: what the user asked for.
            can_freeze: a picture that stays the same to the last bit is suspicious (a camera has noise).
            clock_ns: `time.monotonic_ns`.
            wait: `time.sleep`.
        """
        self._start = start
        self._request = request
        self._clock_ns = clock_ns
        self._wait = wait
        self._watchdog = Watchdog(can_freeze=can_freeze)
        self._reading: Reading | None = None
        self._left: list[Reading] = []
        self._left_ns = 0
        self._begun_ns = 0
        self._why: str | None = None
        self._info: SourceInfo | None = None
        self._first: Frame | None = None

    @property
    def info(self) -> SourceInfo:
        """What was granted, the newest after a reopening."""
        if self._info is None:
            raise RuntimeError("info is known between enter and exit")
        return self._info

    def __enter__(self) -> Self:
        """Open the source and wait for its first frame.

        Raises:
            SourceError: it cannot be opened, or gives no frame in 10 s.
        """
        self._why = None
        reading = self._begin(self._request)
        try:
            self._first = reading.take(_OPENING_S)
        except BaseException:  # Ctrl-C while a camera takes its time
            self._leave(reading)
            raise
        if self._first is None or reading.info is None:
            self._leave(reading)
            late = f"{self._request.address!r} gave no frame in {_OPENING_S:.0f} s. Unplug it and plug it in again."
            raise SourceError(reading.failure or late)
        self._welcome(reading.info)
        self._watchdog.saw(self._first.image, self._clock_ns())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the source; a device that hangs is not waited for longer than 2 s."""
        reading, self._info = self._reading, None
        if reading is not None:
            self._leave(reading)
            reading.join(_RELEASE_S)

    def read(self, timeout_s: float) -> Frame | Outage | End | None:
        """Give the newest frame; None when none came in time; an outage, and again on every read until it is over."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        reading = self._reading or self._reopen(timeout_s)
        if reading is None:
            return self._outage()
        frame = reading.take(min(timeout_s, self._watchdog.remaining_s(self._clock_ns())))
        if frame is None and reading.is_over and reading.failure is None:
            return End()
        if frame is not None and self._why is not None and reading.info is not None:
            self._welcome(reading.info)
        trouble = reading.failure or self._trouble(frame)
        if trouble is not None:
            self._leave(reading)
            self._why = trouble
        if self._why is not None:
            return self._outage()
        return frame

    def _trouble(self, frame: Frame | None) -> str | None:
        now_ns = self._clock_ns()
        if frame is not None:
            self._watchdog.saw(frame.image, now_ns)
        return self._watchdog.trouble(now_ns)

    def _begin(self, request: SourceRequest) -> Reading:
        self._begun_ns = self._clock_ns()
        self._watchdog.restart(self._begun_ns, _OPENING_S)
        self._reading = reading = self._start(request)
        return reading

    def _welcome(self, info: SourceInfo) -> None:
        if self._why is not None:
            _log.info("It is back: %s.", info.description)
        self._why, self._info = None, info
        self._watchdog.expect(info.fps or Fraction(30))

    def _leave(self, reading: Reading) -> None:
        reading.leave()
        self._reading = None
        self._left.append(reading)
        self._left_ns = self._clock_ns()

    def _reopen(self, timeout_s: float) -> Reading | None:
        """Begin a new reading when it is time for one, else wait for that."""
        now_ns = self._clock_ns()
        self._left = [reading for reading in self._left if not reading.is_released]
        retry_s = (self._begun_ns - now_ns) / _NS + _RETRY_S
        release_s = (self._left_ns - now_ns) / _NS + _RELEASE_S if self._left else 0.0
        if self._left and release_s > 0:
            self._left[-1].join(min(timeout_s, release_s))
            return None
        if retry_s > 0 or len(self._left) >= _MOST_HANGING:
            self._wait(min(timeout_s, retry_s) if retry_s > 0 else timeout_s)
            return None
        address = self._info.address if self._info is not None else None
        return self._begin(replace(self._request, address=address or self._request.address))

    def _outage(self) -> Outage:
        return Outage(f"{self._why} Waiting for it to come back.")
