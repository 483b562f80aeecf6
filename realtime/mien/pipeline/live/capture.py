"""The thread that reads the source, and nothing but reads it."""

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Final

from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import End, LiveSource, Outage
from mien.pipeline.live.kept_error import kept
from mien.pipeline.metrics import Rate
from mien_models.errors import MienError
from mien_models.system.crash.edge import edge

_READ_TIMEOUT_S: Final = 0.1
_SILENCE_NS: Final = 1_500_000_000
"""Silence of a source that has given frames: together with one read it becomes a FAULT within 2 s."""
_SILENCE_AT_START_NS: Final = 5_000_000_000
"""A webcam may take its time for the first frame."""


class Capture:
    """Reads a live source to its end. Has state: the frame count, the watchdog, how it ended."""

    def __init__(
        self,
        source: LiveSource,
        *,
        give: Callable[[Frame], None],
        on_outage: Callable[[str], None],
        on_return: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        """Take a closed source and who gets its frames (numbered anew from 0) and its outages."""
        self._source = source
        self._give = give
        self._on_outage = on_outage
        self._on_return = on_return
        self._tell = tell
        self._ending = threading.Event()
        self._may_read = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mien-capture", daemon=True)
        self._is_silent = False
        self.rate = Rate()
        self.error: MienError | None = None
        self.has_ended = False

    def start(self) -> None:
        """Open the source in a thread of its own and read."""
        self._thread.start()

    def allow_files(self) -> None:
        """Say that frames can be used now: a file begins at its first frame then, a camera has run on before."""
        self._may_read.set()

    def stop(self, timeout_s: float) -> bool:
        """End and close the source; False when it still hangs after `timeout_s`."""
        self._ending.set()
        self._may_read.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        with edge("The source failed", self._fail), self._source:
            self._tell(f"Source: {self._source.info.description}.")
            if not self._source.info.is_live:
                self._may_read.wait()
            self._read_all()
        self.has_ended = True

    def _fail(self, error: MienError) -> None:
        self.error = kept(error)

    def _read_all(self) -> None:
        heard_ns = time.monotonic_ns()
        while not self._ending.is_set():
            got = self._source.read(_READ_TIMEOUT_S)
            if isinstance(got, End):
                return
            if isinstance(got, Frame):
                heard_ns = time.monotonic_ns()
                self._take(got, heard_ns)
            elif isinstance(got, Outage):
                self._go_silent(got.why)
            elif time.monotonic_ns() - heard_ns > self._patience_ns():
                self._go_silent("No picture has come from the source for a while: waiting for it.")

    def _take(self, packet: Frame, now_ns: int) -> None:
        if self._is_silent:
            self._is_silent = False
            self._on_return()
        # A reopened source counts from 0 again; what follows relies on numbers that grow.
        numbered = dataclasses.replace(packet, index=self.rate.count)
        self.rate.tick(now_ns)
        self._give(numbered)

    def _go_silent(self, why: str) -> None:
        self._is_silent = True
        self._on_outage(why)

    def _patience_ns(self) -> float:
        if self.rate.count == 0:
            return _SILENCE_AT_START_NS
        fps = self._source.info.fps
        return max(_SILENCE_NS, 3e9 / fps) if fps else _SILENCE_NS
