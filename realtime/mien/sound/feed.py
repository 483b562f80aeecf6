"""What one listener has not taken yet of the session's sound."""

import threading
from collections import deque
from typing import Final

import numpy as np

from mien.sound.samples import RATE_HZ, Sound, samples_ns, silence

_KEPT: Final = 10 * RATE_HZ
"""Samples; a listener that is later than ten seconds loses the oldest."""


class Feed:
    """Has state: the pieces that wait. One thread puts in, one takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pieces: deque[Sound] = deque()
        self._waiting = 0
        self._next_index: int | None = None
        self._has_more = threading.Event()
        self.lost = 0
        """Samples that nobody took in time; they are given as silence."""

    def put(self, sound: Sound) -> None:
        """Let the listener have one more piece."""
        with self._lock:
            self._pieces.append(sound)
            self._waiting += len(sound.samples)
            while self._waiting > _KEPT and len(self._pieces) > 1:
                dropped = len(self._pieces.popleft().samples)
                self._waiting -= dropped
                self.lost += dropped
        self._has_more.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for something to take; tells whether there is."""
        return self._has_more.wait(timeout_s)

    def take(self, until_ns: int | None = None) -> Sound | None:
        """Give all that waits as one piece without gaps, or what was captured before `until_ns`; None: nothing."""
        with self._lock:
            pieces = self._cut(until_ns)
            if not self._pieces:
                self._has_more.clear()
        if not pieces:
            return None
        if self._next_index is not None and pieces[0].index > self._next_index:
            lost = pieces[0].index - self._next_index
            began_ns = pieces[0].captured_ns - samples_ns(lost)
            pieces.insert(0, Sound(silence(lost), self._next_index, began_ns))
        whole = Sound(np.concatenate([piece.samples for piece in pieces]), pieces[0].index, pieces[0].captured_ns)
        self._next_index = whole.index + len(whole.samples)
        return whole

    def _cut(self, until_ns: int | None) -> list[Sound]:
        """Take pieces off the queue; the one that `until_ns` lies in is parted."""
        taken: list[Sound] = []
        while self._pieces and (until_ns is None or self._pieces[0].captured_ns < until_ns):
            piece = self._pieces.popleft()
            self._waiting -= len(piece.samples)
            count = len(piece.samples)
            if until_ns is not None and piece.ends_ns > until_ns:
                count = (until_ns - piece.captured_ns) * RATE_HZ // 1_000_000_000
                rest = Sound(piece.samples[count:], piece.index + count, piece.captured_ns + samples_ns(count))
                self._pieces.appendleft(rest)
                self._waiting += len(rest.samples)
            if count:
                taken.append(Sound(piece.samples[:count], piece.index, piece.captured_ns))
            if count < len(piece.samples):
                break
        return taken
