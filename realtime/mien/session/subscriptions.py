"""Who hears what happens: each listener has a queue of its own that never grows without bound."""

import threading
from collections import deque
from typing import Final

from mien.pipeline.events import Event

_KEPT: Final = 256


class EventQueue:
    """One listener's events: at most 256 wait, the oldest go first. Any thread may call anything."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._events: deque[Event] = deque(maxlen=kept)
        self._changed = threading.Condition()
        self._is_closed = False
        self.missed = 0
        """How many events nobody took in time."""

    @property
    def is_closed(self) -> bool:
        """Whether no event comes any more; those that wait can still be taken."""
        return self._is_closed

    def put(self, event: Event) -> None:
        """Lay an event in; never waits."""
        with self._changed:
            if self._is_closed:
                return
            self.missed += len(self._events) == self._events.maxlen
            self._events.append(event)
            self._changed.notify_all()

    def get(self, timeout_s: float | None = None) -> Event | None:
        """Give the next event; None when none came in time or it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._is_closed, timeout_s)
            return self._events.popleft() if self._events else None

    def close(self) -> None:
        """Take no more and wake whoever waits."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


class Subscribers:
    """All listeners of a session. Any thread may call anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: tuple[EventQueue, ...] = ()
        self._is_closed = False

    def add(self) -> EventQueue:
        """Give a new listener its queue; of a session that has ended it is closed."""
        queue = EventQueue()
        with self._lock:
            self._queues = (*(one for one in self._queues if not one.is_closed), queue)
            if self._is_closed:
                queue.close()
        return queue

    def hear(self, event: Event) -> None:
        """Pass an event to everybody; never waits."""
        for queue in self._queues:
            queue.put(event)

    def close(self) -> None:
        """Let every listener take what waits, and know that nothing more comes."""
        with self._lock:
            self._is_closed = True
            for queue in self._queues:
                queue.close()
