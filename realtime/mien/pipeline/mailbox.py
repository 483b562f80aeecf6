"""A place for one frame between two threads, where the newest wins and every loss is counted."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Holds at most one item: a writer never waits, a reader gets the newest.

    At any moment `written == read + dropped + waiting`, where waiting is 0 or 1. Any thread may call anything.
    """

    def __init__(self, name: str, on_drop: Callable[[T], None] | None = None) -> None:
        """Make an empty mailbox; `on_drop` gets each item that nobody will read, in the thread that displaced it."""
        self.name = name
        self._on_drop = on_drop
        self._changed = threading.Condition(threading.Lock())
        self._item: T | None = None
        self._is_closed = False
        self._written = 0
        self._read = 0
        self._dropped = 0

    def put(self, item: T) -> None:
        """Lay `item` in; one that still lies there is dropped. In a closed mailbox `item` itself is dropped."""
        with self._changed:
            self._written += 1
            lost = item if self._is_closed else self._item
            if not self._is_closed:
                self._item = item
                self._changed.notify()
            self._dropped += lost is not None
        self._report(lost)

    def get(self, timeout_s: float | None = None) -> T | None:
        """Take the item; None when none came in time or the mailbox is closed and empty (see `is_finished`)."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._is_closed, timeout_s)
            item, self._item = self._item, None
            self._read += item is not None
            return item

    def close(self, *, keep_last: bool = True) -> None:
        """Take no more items and wake the reader; the one that waits can still be read unless it is not to be kept."""
        with self._changed:
            self._is_closed = True
            lost = None
            if not keep_last:
                lost, self._item = self._item, None
                self._dropped += lost is not None
            self._changed.notify_all()
        self._report(lost)

    @property
    def is_finished(self) -> bool:
        """True when it is closed and nothing waits in it: no `get` will ever return an item again."""
        with self._changed:
            return self._is_closed and self._item is None

    @property
    def written(self) -> int:
        """How many items were laid in, refused ones included."""
        return self._written

    @property
    def read(self) -> int:
        """How many items were taken."""
        return self._read

    @property
    def dropped(self) -> int:
        """How many items nobody read."""
        return self._dropped

    @property
    def waiting(self) -> int:
        """1 while an item lies in it, else 0."""
        with self._changed:
            return int(self._item is not None)

    def _report(self, lost: T | None) -> None:
        if lost is not None and self._on_drop is not None:
            self._on_drop(lost)
