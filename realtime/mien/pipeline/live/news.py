"""What happens in a run, kept until it is told: to whoever listens, to the log, and to the report."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from mien.pipeline.events import Event, EventFact, StateChanged
from mien.pipeline.live.state import Verdict
from mien.pipeline.report import StateChange

_KEPT: Final = 1000


class News:
    """Has state: when the run began, what was not told yet, and the changes of state."""

    def __init__(self) -> None:
        self.began_ns: Final = time.monotonic_ns()
        self._changes: deque[StateChange] = deque(maxlen=_KEPT)
        self._events: deque[Event] = deque(maxlen=_KEPT)

    @property
    def now_s(self) -> float:
        """How long the run lasts."""
        return (time.monotonic_ns() - self.began_ns) / 1e9

    @property
    def changes(self) -> tuple[StateChange, ...]:
        """Every change of state, the last thousand."""
        return tuple(self._changes)

    def tell(self, fact: EventFact) -> None:
        """Let whoever listens know, a moment later; any thread may."""
        self._events.append(Event(round(self.now_s, 3), fact))

    def hear(self, verdict: Verdict) -> None:
        """Note that something else is shown from now on."""
        self._changes.append(StateChange(round(self.now_s, 3), verdict.state.value, verdict.why))
        self.tell(StateChanged(verdict.state, verdict.why))

    def pass_on(self, listeners: Sequence[Callable[[Event], None]]) -> None:
        """Tell what has not been told; in the order in which it happened."""
        while self._events:
            event = self._events.popleft()
            for listener in listeners:
                listener(event)
