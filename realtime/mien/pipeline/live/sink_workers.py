"""One thread and one mailbox per sink: a slow or blocked sink delays no other."""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Container, Mapping, Sequence
from enum import Enum
from typing import Final, TypeAlias

from mien.pipeline.events import LineBack, LineBroken, SinkFailed, SinkOpened
from mien.pipeline.frame import Outgoing, State
from mien.pipeline.mailbox import Mailbox
from mien.pipeline.metrics import Histogram, Rate
from mien.pipeline.report import SinkCount
from mien.pipeline.sink_interfaces import (
    Addressed,
    Confirmed,
    Connected,
    Finishing,
    Keyed,
    MainThreaded,
    Reopenable,
    Sink,
)
from mien_models.errors import MienError, SinkClosedError, SinkError
from mien_models.system.crash.edge import ends_the_program, fault, kept

_LOG = logging.getLogger(__name__)
_REOPEN_TRIES: Final = 10
_REOPEN_PAUSE_S: Final = 1.0
_LOOK_S: Final = 0.2
_LONGEST_REST_S: Final = 60.0
"""After that a disk is taken for one that hangs."""
_KEPT_COUNTS: Final = 1000
SinkFact: TypeAlias = SinkOpened | SinkFailed | LineBroken | LineBack


class SinkState(Enum):
    """How a sink is doing."""

    OPENING = "opening"
    OPEN = "open"
    CLOSED = "closed"
    """The user closed it, or the run has ended."""
    FAILED = "failed"


class SinkWorker:
    """Opens one sink, writes to it and closes it, all in the thread that calls `run`. Has state: its counters."""

    def __init__(self, sink: Sink, tell: Callable[[SinkFact], None]) -> None:
        """Take a closed sink; `tell` hears when the sink opens, fails or is tried again."""
        self.sink = sink
        self.mailbox = Mailbox[Outgoing](sink.description)
        self.state = SinkState.OPENING
        self.error: MienError | None = None
        self.written = 0
        self.rate = Rate()
        self.ages = Histogram()
        self.times = Histogram()
        self.first_live_ns: int | None = None
        self._tell = tell
        self._ending = threading.Event()
        if isinstance(sink, Connected):
            sink.on_line = self._on_line
        self.settled = threading.Event()
        """Set once it is open, or known not to open."""

    @property
    def is_done(self) -> bool:
        """True when it will not write again."""
        return self.state in (SinkState.CLOSED, SinkState.FAILED)

    def run(self) -> None:
        """Write until the mailbox is closed, the user closes the sink or it fails for good."""
        tries_left = _REOPEN_TRIES
        while True:
            written_before = self.written
            state, self.error = self._open_and_write()
            if self.written > written_before + 1:
                tries_left = _REOPEN_TRIES
            if state is SinkState.CLOSED or not self._may_reopen(tries_left):
                break
            tries_left -= 1
            self._tell(SinkFailed(self.sink.description, str(self.error), is_tried_again=True))
            self._ending.wait(_REOPEN_PAUSE_S)
        self.mailbox.close(keep_last=False)
        self.state = state
        self.settled.set()
        if self.error is not None:
            self._tell(SinkFailed(self.sink.description, str(self.error), is_tried_again=False))

    def close(self) -> None:
        """Let it write what waits and then end."""
        self._ending.set()
        self.mailbox.close()

    def _may_reopen(self, tries_left: int) -> bool:
        was_open = self.written > 0
        can = isinstance(self.sink, Reopenable) and self.sink.is_reopenable
        return was_open and can and tries_left > 0 and not self._ending.is_set()

    def _open_and_write(self) -> tuple[SinkState, MienError | None]:
        try:
            with self.sink:
                is_open = False
                while True:
                    if not is_open and (not isinstance(self.sink, Confirmed) or self.sink.is_confirmed):
                        is_open = self._be_open()
                    if (outgoing := self.mailbox.get()) is None:
                        break
                    self._write(outgoing)
        except SinkClosedError:
            return SinkState.CLOSED, None
        except BaseException as error:  # the edge of a thread: a sink may fail, the others go on
            if ends_the_program(error):
                raise
            return SinkState.FAILED, kept(fault(error, f"The output {self.sink.description!r} failed"))
        return SinkState.CLOSED, None

    def _on_line(self, why: str | None) -> None:
        description = self.sink.description
        self._tell(LineBack(description) if why is None else LineBroken(description, why))

    def _be_open(self) -> bool:
        self.state = SinkState.OPEN
        self.settled.set()
        self._tell(SinkOpened(self.sink.description, addresses_of(self.sink)))
        return True

    def _write(self, outgoing: Outgoing) -> None:
        started_ns = time.monotonic_ns()
        self.sink.write(outgoing.frame)
        now_ns = time.monotonic_ns()
        self.written += 1
        self.rate.tick(now_ns)
        self.times.record_ms((now_ns - started_ns) / 1e6)
        if outgoing.born_ns is not None:
            self.ages.record_ms((now_ns - outgoing.born_ns) / 1e6)
            if self.first_live_ns is None and outgoing.frame.state is State.LIVE:
                self.first_live_ns = now_ns


class SinkWorkers:
    """All sinks of a run; they may come and go while it lasts. Has state: which there are, and what the gone ones did.

    Any thread may call anything.
    """

    def __init__(self, sinks: Sequence[Sink], tell: Callable[[SinkFact], None], on_key: Callable[[str], None]) -> None:
        """Take closed sinks, at least one, which `start` opens; who hears of them, and of their keyboards' keys."""
        self._tell, self._on_key = tell, on_key
        self._lock = threading.Lock()
        self._count = 0
        self._threads: dict[SinkWorker, threading.Thread] = {}
        self._gone: dict[str, SinkCount] = {}
        self.workers: tuple[SinkWorker, ...] = tuple(map(self._worker, sinks))
        """Those that are written to; replaced as a whole when one comes or goes."""
        self._best = self.workers[0]
        self.for_main_thread = next((worker for worker in self.workers if needs_main_thread(worker.sink)), None)
        """The one whose `run` the main thread must call itself; None: every sink has a thread of its own."""

    def start(self) -> None:
        """Open every sink, each in its own thread."""
        for worker in self.workers:
            if worker is not self.for_main_thread:
                self._run(worker)

    def add(self, sink: Sink) -> SinkWorker:
        """Open one more sink in a thread of its own; `settled` of what is given tells when that is decided.

        Raises:
            SinkError: only the main thread could open it, which is busy.
        """
        if needs_main_thread(sink):
            raise SinkError(f"{sink.description} has to be there when a run begins, on this system; start again.")
        worker = self._worker(sink)
        with self._lock:
            self.workers = (*self.workers, worker)
        self._run(worker)
        return worker

    def _worker(self, sink: Sink) -> SinkWorker:
        if isinstance(sink, Keyed):
            sink.on_key = self._on_key
        return SinkWorker(sink, self._tell)

    def remove(self, worker: SinkWorker) -> None:
        """Let one write what waits and close; what it did still counts. Waits for nothing."""
        with self._lock:
            self.workers = tuple(one for one in self.workers if one is not worker)
        worker.close()

    def send(self, outgoing: Outgoing) -> None:
        """Lay a frame before every sink; never waits."""
        with self._lock:
            for worker in self.workers:
                worker.mailbox.put(outgoing)

    def close(self) -> None:
        """Let every sink write what waits, finish and close."""
        for worker in self.workers:
            worker.close()

    def join(self, timeout_s: float) -> tuple[SinkWorker, ...]:
        """Wait for the sinks to close; give those that have not after `timeout_s` each.

        What would lose something is waited for longer: a computer that is too slow for sound and pictures has much of
        both to write yet.
        """
        threads = dict(self._threads)
        for worker, thread in threads.items():
            thread.join(timeout_s)
            if thread.is_alive() and isinstance(worker.sink, Finishing):
                _LOG.info("The rest of %s is written; Ctrl-C leaves it to 'mien recover'.", worker.sink.description)
                _wait_for(worker.sink, thread)
        return tuple(worker for worker, thread in threads.items() if thread.is_alive())

    @property
    def best(self) -> SinkWorker:
        """The sink that got most: the report counts its frames."""
        self._best = max((*self.workers, self._best), key=lambda worker: worker.written)
        return self._best

    @property
    def counts(self) -> Mapping[str, SinkCount]:
        """What every sink got, also those that are gone, by its description; with a number where two are alike."""
        found = dict(self._gone)
        closing = [worker for worker in tuple(self._threads) if worker not in self.workers]
        for worker in (*self.workers, *closing):
            found[_free_name(worker.sink.description, found)] = self._count_of(worker)
        return found

    def _run(self, worker: SinkWorker) -> None:
        self._forget_gone()
        self._count += 1
        thread = threading.Thread(target=worker.run, name=f"mien-sink-{self._count}", daemon=True)
        self._threads[worker] = thread
        thread.start()

    def _forget_gone(self) -> None:
        """Keep of sinks that are closed for good their numbers only: a session may see thousands come and go."""
        for worker, thread in tuple(self._threads.items()):
            if worker not in self.workers and not thread.is_alive():
                del self._threads[worker]
                if len(self._gone) < _KEPT_COUNTS:
                    self._gone[_free_name(worker.sink.description, self._gone)] = self._count_of(worker)

    def _count_of(self, worker: SinkWorker) -> SinkCount:
        return SinkCount(worker.written, worker.mailbox.written - worker.written)


def _free_name(name: str, taken: Container[str]) -> str:
    places = itertools.count(2)
    free = name
    while free in taken:
        free = f"{name} ({next(places)})"
    return free


def addresses_of(sink: Sink) -> tuple[str, ...]:
    """Give where a sink can be looked at; secret."""
    return sink.addresses if isinstance(sink, Addressed) else ()


def _wait_for(sink: Finishing, thread: threading.Thread) -> None:
    give_up_s = time.monotonic() + _LONGEST_REST_S
    while thread.is_alive() and (sink.is_finishing or time.monotonic() < give_up_s):
        thread.join(_LOOK_S)


def needs_main_thread(sink: Sink) -> bool:
    """Whether only the main thread may open and write this sink."""
    return isinstance(sink, MainThreaded) and sink.needs_main_thread
