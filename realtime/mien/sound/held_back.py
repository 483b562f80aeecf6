"""By how much sound is held back where it is played beside pictures: as long as nearly every picture takes."""

import threading
from collections import deque
from typing import Final

import numpy as np

_SEEN_S: Final = 10.0
"""Whose pictures count; of a hundred one may come later than its sound."""
_PERCENT: Final = 99
_FIRST_S: Final = 1.0
"""Whose pictures say nothing: encoders and networks are only beginning then."""
_LESS_FROM_NS: Final = 15_000_000
"""It is made shorter only from so much on: what changes by a hair all the time is heard as a wobble."""
_LESS_NS: Final = 15_000_000
"""By so much in a second, which nobody sees or hears."""
_MOST_NS: Final = 1_000_000_000
"""Nobody talks over a second; what is later than that stands still."""


class HeldBack:
    """Has state: how old pictures were of late. One thread tells it, any may read."""

    def __init__(self, per_s: float = 30.0) -> None:
        """Take how often a second it is told."""
        self._lock = threading.Lock()
        self._ages_ns: deque[int] = deque(maxlen=round(_SEEN_S * per_s))
        self._first, self._less_ns = round(_FIRST_S * per_s), round(_LESS_NS / per_s)
        self._delay_ns = 0
        self._seen = 0

    def saw(self, age_ns: int) -> None:
        """Take how old a picture was when it went out."""
        with self._lock:
            self._seen += 1
            if self._seen <= self._first:
                return
            self._ages_ns.append(min(max(age_ns, 0), _MOST_NS))
            wanted_ns = int(np.percentile(self._ages_ns, _PERCENT))
            if wanted_ns > self._delay_ns:
                self._delay_ns = wanted_ns
            elif wanted_ns < self._delay_ns - _LESS_FROM_NS:
                self._delay_ns -= self._less_ns

    @property
    def is_settled(self) -> bool:
        """Whether it has seen as many pictures as count."""
        with self._lock:
            return len(self._ages_ns) == self._ages_ns.maxlen

    @property
    def delay_ns(self) -> int:
        """How long after its capture sound is to be played."""
        with self._lock:
            return self._delay_ns
