"""By how much sound is held back where it is played beside pictures: as long as nearly every picture takes."""

import threading
from collections import deque
from typing import Final

import numpy as np

_SEEN: Final = 300
"""Pictures that count, 10 s at 30 a second; of a hundred one may come later than its sound."""
_PERCENT: Final = 99
_FIRST: Final = 30
"""Pictures that say nothing: encoders and networks are only beginning then."""
_LESS_FROM_NS: Final = 15_000_000
"""It is made shorter only from so much on: what changes by a hair all the time is heard as a wobble."""
_LESS_NS: Final = 500_000
"""By so much with every picture: 15 ms a second at 30 a second, which nobody sees or hears."""
_MOST_NS: Final = 1_000_000_000
"""Nobody talks over a second; what is later than that stands still."""


class HeldBack:
    """Has state: how old pictures were of late. One thread tells it, any may read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ages_ns: deque[int] = deque(maxlen=_SEEN)
        self._delay_ns = 0
        self._seen = 0

    def saw(self, age_ns: int) -> None:
        """Take how old a picture was when it went out."""
        with self._lock:
            self._seen += 1
            if self._seen <= _FIRST:
                return
            self._ages_ns.append(min(max(age_ns, 0), _MOST_NS))
            wanted_ns = int(np.percentile(self._ages_ns, _PERCENT))
            if wanted_ns > self._delay_ns:
                self._delay_ns = wanted_ns
            elif wanted_ns < self._delay_ns - _LESS_FROM_NS:
                self._delay_ns -= _LESS_NS

    @property
    def delay_ns(self) -> int:
        """How long after its capture sound is to be played."""
        with self._lock:
            return self._delay_ns
