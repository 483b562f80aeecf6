"""A source read on a thread of its own, so that one which hangs holds up nobody."""

import threading
from typing import Protocol

from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import Source, SourceInfo
from mien.pipeline.mailbox import Mailbox
from mien_models.errors import MienError
from mien_models.system.crash.edge import edge


class Reading(Protocol):
    """One opening of a source: it opens, gives frames and is over, of itself or because it was left."""

    @property
    def info(self) -> SourceInfo | None:
        """What was granted; None until it is open."""
        ...

    @property
    def failure(self) -> str | None:
        """Why it is over; None while it is not, and when the source simply came to its end."""
        ...

    @property
    def is_over(self) -> bool:
        """True when no frame will come any more."""
        ...

    @property
    def is_released(self) -> bool:
        """True when the device is given back."""
        ...

    def take(self, timeout_s: float) -> Frame | None:
        """Give the newest frame that was not taken yet; None when none came in time."""
        ...

    def leave(self) -> None:
        """Ask it to end; returns at once. A device that hangs is closed by its thread if it ever returns."""
        ...

    def join(self, timeout_s: float) -> None:
        """Wait until the device is given back."""
        ...


class ThreadedReading:
    """Opens and reads a source on a daemon thread, as fast as it gives; only the newest frame is kept."""

    def __init__(self, source: Source) -> None:
        """Start at once."""
        self._source = source
        self._slot: Mailbox[Frame] = Mailbox("source")
        self._is_left = threading.Event()
        self._info: SourceInfo | None = None
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="mien-source", daemon=True)
        self._thread.start()

    @property
    def info(self) -> SourceInfo | None:
        """See `Reading`."""
        return self._info

    @property
    def failure(self) -> str | None:
        """See `Reading`."""
        return self._failure if self.is_over else None

    @property
    def is_over(self) -> bool:
        """See `Reading`."""
        return self._slot.is_finished

    @property
    def is_released(self) -> bool:
        """See `Reading`."""
        return not self._thread.is_alive()

    def take(self, timeout_s: float) -> Frame | None:
        """See `Reading`."""
        return self._slot.get(timeout_s)

    def leave(self) -> None:
        """See `Reading`."""
        self._is_left.set()

    def join(self, timeout_s: float) -> None:
        """See `Reading`."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        # Whatever a driver raises is an outage.
        try:
            with edge("The source failed", self._fail):
                self._read_all()
        finally:
            self._slot.close()

    def _fail(self, error: MienError) -> None:
        self._failure = str(error)

    def _read_all(self) -> None:
        with self._source as source:
            self._info = source.info
            while not self._is_left.is_set():
                frame = source.read()
                if frame is None:
                    return
                self._slot.put(frame)
