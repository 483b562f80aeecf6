"""Who may swap at the same time, and whose frame is next: several sessions share one machine fairly."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping
from typing import Final

from mien.pipeline.metrics import Histogram
from mien_models.errors import MienError

_FULL: Final = 0.85
"""The part of its time that a machine is given away; the rest absorbs slow frames."""
_KNOWN_FRAMES: Final = 30
"""Before so many frames nothing is known of what one takes."""


class FullError(MienError):
    """There is no seat; it may be different in a moment."""


class Turns:
    """Lets so many frames be worked on at once, in the order in which they asked. Has state: who waits.

    A session asks for one frame at a time, so that each of several gets its turn before any gets a second one.
    """

    def __init__(self, at_once: int) -> None:
        self._free = max(at_once, 1)
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def turn(self) -> Generator[None]:
        """Wait for one's turn, and work."""
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            self._changed.wait_for(lambda: self._free > 0 and self._waiting[0] is ticket)
            self._waiting.popleft()
            self._free -= 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()


class Seat:
    """A session's place. Has state: what its frames take."""

    def __init__(self, run: str, tenant: str, fps: float) -> None:
        self.run, self.tenant, self.fps = run, tenant, fps
        self.swap_times = Histogram()
        self.began_s = time.monotonic()


class Seats:
    """Gives seats away. Has state: those that are taken. Any thread may call anything."""

    def __init__(self, at_once: int, limit: int | None = None) -> None:
        """Take how many frames can be worked on at once, and how many seats there are; None: as many as it can bear."""
        self._at_once, self._limit = max(at_once, 1), limit
        self._taken: dict[str, Seat] = {}
        self._lock = threading.Lock()
        self._frame_ms: float | None = None
        self._frames_before = 0
        self.let_in = self.refused = 0
        """How many sessions so far."""
        self.is_draining = False
        """Whether nobody new is let in."""

    @property
    def taken(self) -> tuple[Seat, ...]:
        """Those that are taken now."""
        return tuple(self._taken.values())

    @property
    def frame_ms(self) -> float | None:
        """What a frame takes, measured; None before there were any."""
        measured = [seat for seat in self.taken if seat.swap_times.count >= _KNOWN_FRAMES]
        medians = [seat.swap_times.recent_median_ms for seat in measured]
        known = [median for median in medians if median is not None]
        if known:
            self._frame_ms = sum(known) / len(known)
        return self._frame_ms

    @property
    def frames(self) -> int:
        """How many frames were swapped so far, of all sessions."""
        return self._frames_before + sum(seat.swap_times.count for seat in self.taken)

    def count(self, fps: float) -> int:
        """Say how many there are for sessions of that many frames a second."""
        if self._limit is not None:
            return self._limit
        frame_ms = self.frame_ms
        if frame_ms is None:
            return self._at_once
        return max(int(self._at_once * 1000 * _FULL / (max(frame_ms, 0.01) * max(fps, 1.0))), 1)

    def take(self, run: str, fps: float, *, tenant: str = "", tenant_seats: int = 0) -> Seat:
        """Take a seat; the same run gets its own again.

        Raises:
            FullError: there is none.
        """
        with self._lock:
            others = {key: seat for key, seat in self._taken.items() if key != run}
            try:
                self._check(others, fps, tenant, tenant_seats)
            except FullError:
                self.refused += 1
                raise
            seat = Seat(run, tenant, fps)
            self._put({**others, run: seat})
            self.let_in += 1
            return seat

    def _check(self, others: Mapping[str, Seat], fps: float, tenant: str, tenant_seats: int) -> None:
        count = self.count(fps)
        if self.is_draining:
            raise FullError("This machine is about to stop and takes nobody new; try another one.")
        if len(others) >= count:
            raise FullError(f"This machine is full: {len(others)} of {count} seats are taken; try again later.")
        of_tenant = sum(seat.tenant == tenant for seat in others.values())
        if tenant_seats and of_tenant >= tenant_seats:
            raise FullError(f"Your pass is for {tenant_seats} seats at a time, and all of them are taken.")

    def _put(self, taken: dict[str, Seat]) -> None:
        kept = set(map(id, taken.values()))
        self._frames_before += sum(seat.swap_times.count for seat in self.taken if id(seat) not in kept)
        self._taken = taken

    def leave(self, seat: Seat) -> None:
        """Give a seat back, unless the same run has taken another one meanwhile."""
        with self._lock:
            if self._taken.get(seat.run) is seat:
                self._put({key: one for key, one in self._taken.items() if one is not seat})
