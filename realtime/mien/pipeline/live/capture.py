"""The thread that reads the source, and nothing but reads it."""

import dataclasses
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final

from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import End, LiveSource, Outage, SourceInfo
from mien.pipeline.metrics import Rate
from mien_models.errors import MienError, SourceError
from mien_models.system.crash.edge import edge, kept

_READ_TIMEOUT_S: Final = 0.1
_SILENCE_NS: Final = 1_500_000_000
"""Silence of a source that has given frames: together with one read it becomes a FAULT within 2 s."""
_SILENCE_AT_START_NS: Final = 5_000_000_000
"""A webcam may take its time for the first frame."""
_CHANGING: Final = "The camera is being changed."
_RETURN_TRIES: Final = 5
_RETURN_PAUSE_S: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    """Another source that somebody asked for."""

    source: LiveSource
    before_first: Callable[[], None]
    done: "Future[SourceInfo]"


class Capture:
    """Reads a live source to its end, or until another one is asked for. Has state: the frame count, how it ended.

    Frames get their numbers here and nowhere else: what follows relies on numbers that grow, whichever source they
    come from and however often it was opened again.
    """

    def __init__(
        self,
        source: LiveSource,
        *,
        give: Callable[[Frame], None],
        on_outage: Callable[[str], None],
        on_return: Callable[[], None],
        on_open: Callable[[str], None],
    ) -> None:
        """Take a closed source, who gets its frames and its outages, and who hears its description once it is open."""
        self._source = source
        self._give = give
        self._on_outage = on_outage
        self._on_return = on_return
        self._on_open = on_open
        self._ending = threading.Event()
        self._may_read = threading.Event()
        self._wishes: SimpleQueue[_Wish] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="mien-capture", daemon=True)
        self._is_silent = False
        self._source_number = 0
        self.rate = Rate()
        self.info: SourceInfo | None = None
        """What the open source grants; None before the first is open."""
        self.error: MienError | None = None
        self.has_ended = False

    def start(self) -> None:
        """Open the source in a thread of its own and read."""
        self._thread.start()

    def allow_files(self) -> None:
        """Say that frames can be used now: a file begins at its first frame then, a camera has run on before."""
        self._may_read.set()

    def change(self, source: LiveSource, before_first: Callable[[], None]) -> "Future[SourceInfo]":
        """Close the source and read `source` instead; what is shown meanwhile is that no frames come.

        `before_first` is called once the new source is open and before its first frame. Where it cannot be opened, the
        old one is opened again, and the future has the SourceError.
        """
        done: Future[SourceInfo] = Future()
        self._wishes.put(_Wish(source, before_first, done))
        if self.has_ended:
            self._refuse_wishes()
        return done

    def stop(self, timeout_s: float) -> bool:
        """End and close the source; False when it still hangs after `timeout_s`."""
        self._ending.set()
        self._may_read.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        with edge("The source failed", self._fail):
            with self._source:
                self._begin(self._source)
            while (wish := self._next_wish()) is not None:
                self._take_on(wish)
        self.has_ended = True
        self._refuse_wishes()

    def _fail(self, error: MienError) -> None:
        self.error = kept(error)

    def _begin(self, source: LiveSource) -> None:
        """Read an open source until it ends or another is wanted."""
        self.info = source.info
        self._on_open(source.info.description)
        if not source.info.is_live:
            self._may_read.wait()
        self._read_all(source)

    def _next_wish(self) -> _Wish | None:
        return None if self._ending.is_set() or self._wishes.empty() else self._wishes.get()

    def _take_on(self, wish: _Wish) -> None:
        """Read the wanted source; where it does not open, go on with the one before."""
        self._go_silent(_CHANGING)
        try:
            with wish.source:
                wish.before_first()
                self._source = wish.source
                self._source_number += 1
                wish.done.set_result(wish.source.info)
                self._begin(wish.source)
        except MienError as error:
            if wish.done.done():
                raise
            wish.done.set_exception(error)
            self._go_back()

    def _go_back(self) -> None:
        """Open the source again that was closed for one that did not open; a device may need a moment for that."""
        for try_number in range(_RETURN_TRIES):
            try:
                with self._source:
                    self._begin(self._source)
                    return
            except SourceError:
                if try_number + 1 == _RETURN_TRIES or self._ending.wait(_RETURN_PAUSE_S):
                    raise

    def _refuse_wishes(self) -> None:
        while not self._wishes.empty():
            self._wishes.get().done.set_exception(SourceError("The run has ended; no other camera can be opened."))

    def _read_all(self, source: LiveSource) -> None:
        heard_ns, before = time.monotonic_ns(), self.rate.count
        while not self._ending.is_set() and self._wishes.empty():
            got = source.read(_READ_TIMEOUT_S)
            if isinstance(got, End):
                return
            if isinstance(got, Frame):
                heard_ns = time.monotonic_ns()
                self._take(got, heard_ns)
            elif isinstance(got, Outage):
                self._go_silent(got.why)
            elif time.monotonic_ns() - heard_ns > _patience_ns(source, has_given=self.rate.count > before):
                self._go_silent("No picture has come from the source for a while: waiting for it.")

    def _take(self, frame: Frame, now_ns: int) -> None:
        if self._is_silent:
            self._is_silent = False
            self._on_return()
        numbered = dataclasses.replace(frame, index=self.rate.count, source_number=self._source_number)
        self.rate.tick(now_ns)
        self._give(numbered)

    def _go_silent(self, why: str) -> None:
        self._is_silent = True
        self._on_outage(why)


def _patience_ns(source: LiveSource, *, has_given: bool) -> float:
    if not has_given:
        return _SILENCE_AT_START_NS
    fps = source.info.fps
    return max(_SILENCE_NS, 3e9 / fps) if fps else _SILENCE_NS
