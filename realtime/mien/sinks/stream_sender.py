"""Sends a stream's packets in a thread of its own: at the pace of the line, and again when the line was away."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from av.container import OutputContainer
from av.error import FFmpegError

from mien.pipeline.frame import OutputFrame
from mien.sinks.live_tracks import AnyPacket, LiveTracks
from mien_models.errors import MienError, SinkError
from mien_models.system.crash.edge import ends_the_program, fault

_PAUSES_S: Final = (0.5, 1.0, 1.5, 2.0)
"""Between tries; the last one for as long as it takes, so that a stream is back within 5 s of its server."""
_OPENS_S: Final = 5.0
"""A server that has not taken the first packets by then is told apart from one that has: nothing else can be sure."""
_LATE_S: Final = 2.0
"""Packets that wait for longer are left out up to the next key frame: a stream is live or it is nothing."""
_ENDS_S: Final = 3.0
"""For what still waits when a stream is ended."""
_SLOW_S: Final = 0.6
_LOOK_S: Final = 1.0
_LESS, _MORE = 0.75, 1.08
_LEAST_OF_WISH: Final = 0.15
_CALM_S: Final = 8.0
"""The line has to keep up for so long before more is sent again."""


class Outlet(Protocol):
    """What takes the packets of one stream, from its beginning to its end."""

    def begin(self, tracks: LiveTracks) -> None:
        """Know what comes."""
        ...

    def send(self, packet: AnyPacket) -> None:
        """Send a packet; may wait for as long as the line does.

        Raises:
            OSError: the line broke.
        """
        ...

    def end(self) -> None:
        """Know that it was the last."""
        ...


class Muxed:
    """An outlet that is a container of FFmpeg."""

    def __init__(self, container: OutputContainer) -> None:
        self._container = container

    def begin(self, tracks: LiveTracks) -> None:
        """Add the tracks."""
        tracks.add_to(self._container)
        self._container.start_encoding()

    def send(self, packet: AnyPacket) -> None:
        """Write a packet."""
        self._container.mux_one(packet)

    def end(self) -> None:
        """Write what a container ends with."""
        self._container.close()


class Connection(Protocol):
    """A way to a server: something to write to, and that can be cut."""

    @property
    def is_lossy(self) -> bool:
        """Whether the line takes less than it is given, where nothing waits for it: by UDP what is too much is lost."""
        ...

    def open(self, on_up: Callable[[], None]) -> Outlet:
        """Connect; `on_up` is called once the server has taken the first packets, by any thread.

        Raises:
            SinkError: the server cannot be reached, in one sentence.
        """
        ...

    def refusal(self, shown: str) -> str:
        """Say in one sentence why the server took nothing; `shown` is how the stream is called."""
        ...

    def finish(self) -> None:
        """Let what was written arrive, and hang up."""
        ...

    def cut(self) -> None:
        """End it at once, also while `open` or a write waits; any thread may."""
        ...


class _Pace:
    """Fits the bit rate to the line. Has state: what is spent, and for how long the line has kept up."""

    def __init__(self, wish: int) -> None:
        self._wish = wish
        self.bit_rate = wish
        self._looked_s = 0.0
        self._calm_s = 0.0

    def look(self, waiting_s: float, now_s: float) -> bool:
        """Take how much waits to be sent, in seconds of the stream; tells whether `bit_rate` is another one now."""
        if now_s - self._looked_s < _LOOK_S:
            return False
        passed_s, self._looked_s = min(now_s - self._looked_s, _LOOK_S * 2), now_s
        before = self.bit_rate
        if waiting_s > _SLOW_S:
            self._calm_s = 0.0
            self.bit_rate = max(round(self.bit_rate * _LESS), round(self._wish * _LEAST_OF_WISH))
        else:
            self._calm_s += passed_s
            if self._calm_s >= _CALM_S:
                self._calm_s -= _LOOK_S
                self.bit_rate = min(round(self.bit_rate * _MORE), self._wish)
        return self.bit_rate != before


class Sender:
    """Encodes frames and sends their packets. Has state: the packets that wait, and the connection."""

    def __init__(
        self,
        shown: str,
        tracks: LiveTracks,
        bit_rate: int,
        connect: Callable[[], Connection],
        tell: Callable[[str | None], None],
    ) -> None:
        self._shown, self._tracks, self._connect, self._tell = shown, tracks, connect, tell
        self.pace = _Pace(bit_rate)
        self.error: MienError | None = None
        self.dropped = 0
        """Packets that the line did not take in time."""
        self._waiting: deque[AnyPacket] = deque()
        self._news = threading.Condition()
        self._is_open = False
        self._is_ending = threading.Event()
        self._is_settled = threading.Event()
        self._connection: Connection | None = None
        self._began_s = time.monotonic()
        self._thread = threading.Thread(target=self._work, name="mien-stream", daemon=True)

    @property
    def is_confirmed(self) -> bool:
        """Whether the server has taken packets once."""
        return self._is_settled.is_set() and self.error is None

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def failed(self) -> MienError | None:
        """Give why there is no stream and will be none; None while it runs or may still come."""
        if not self._is_settled.is_set() and time.monotonic() - self._began_s > _OPENS_S:
            self.error = SinkError(f"{self._shown} takes the connection and then says nothing; try again later.")
            self._is_settled.set()
            self._is_ending.set()
            self._cut()
        return self.error

    def write(self, frame: OutputFrame) -> None:
        """Encode a frame and lay what is ready before the thread; while the line is away it is forgotten."""
        with self._news:
            waiting_s = self._put(self._tracks.write(frame))
        if (connection := self._connection) is not None and connection.is_lossy:
            waiting_s = _LATE_S
        if self.pace.look(waiting_s, time.monotonic()):
            self._tracks.video.change_bit_rate(self.pace.bit_rate)

    def _put(self, packets: Sequence[AnyPacket]) -> float:
        """Give how long what waits would play, in seconds; `_news` is held."""
        if not self._is_open:
            return 0.0
        self._waiting.extend(packets)
        waiting_s = self._waiting_s()
        if waiting_s > _LATE_S:
            self.dropped += len(self._waiting)
            self._waiting.clear()
            self._tracks.skip_to_key()
        self._news.notify()
        return waiting_s

    def close(self, rest: Sequence[AnyPacket]) -> None:
        """Send the rest for a moment, and end."""
        with self._news:
            self._put(rest)
            self._is_ending.set()
            self._news.notify()
        self._thread.join(_ENDS_S)
        self._cut()
        self._thread.join(_LATE_S)

    def _cut(self) -> None:
        if (connection := self._connection) is not None:
            connection.cut()

    def _waiting_s(self) -> float:
        """Say how long what waits would play."""
        if len(self._waiting) < 2:
            return 0.0
        first, last = _time_s(self._waiting[0]), _time_s(self._waiting[-1])
        return max(0.0, last - first)

    def _work(self) -> None:
        pauses_s = itertools.chain(_PAUSES_S, itertools.repeat(_PAUSES_S[-1]))
        while not self._is_ending.is_set():
            began_s = time.monotonic()
            why = self._sent_until_it_fails()
            if not self._is_settled.is_set():
                self.error = SinkError(why)
                self._is_settled.set()
                return
            if self._is_ending.is_set():
                return
            self._tell(why)
            if time.monotonic() - began_s > _LATE_S:
                pauses_s = itertools.chain(_PAUSES_S, itertools.repeat(_PAUSES_S[-1]))
            self._is_ending.wait(next(pauses_s))

    def _sent_until_it_fails(self) -> str:
        """Connect and send; give why that ended."""
        self._connection = connection = self._connect()
        try:
            outlet = connection.open(self._is_taken)
            with self._news:
                outlet.begin(self._tracks)
            self._be_open(is_open=True)
            self._send_all(outlet)
            outlet.end()
            connection.finish()
        except SinkError as error:
            return str(error)
        except (FFmpegError, OSError):
            return "The line broke." if self._is_settled.is_set() else connection.refusal(self._shown)
        except Exception as error:  # the edge of a thread: a stream may fail, the other outputs go on
            if ends_the_program(error):
                raise
            self.error = fault(error, f"The stream to {self._shown} failed")
            self._is_ending.set()
            return str(self.error)
        finally:
            self._be_open(is_open=False)
            connection.cut()
        return "It ended."

    def _be_open(self, *, is_open: bool) -> None:
        with self._news:
            self._is_open = is_open
            self._waiting.clear()
            if is_open:
                # Only now: pictures of before were encoded for nobody, the first to be sent is a key frame.
                self._tracks.begin_anew()

    def _is_taken(self) -> None:
        """Know that the server has the stream."""
        if self._is_settled.is_set():
            self._tell(None)
        self._is_settled.set()

    def _send_all(self, outlet: Outlet) -> None:
        while True:
            with self._news:
                while not self._waiting and not self._is_ending.is_set():
                    self._news.wait()
                if not self._waiting:
                    return
                packet = self._waiting.popleft()
            outlet.send(packet)


def _time_s(packet: AnyPacket) -> float:
    if packet.dts is None:
        return 0.0
    return float(packet.dts * packet.time_base)
