"""A stream to a server: encoded once, sent by a thread of its own, which comes back when the line was away."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from mien.media.video.live_video import VideoWish
from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.sinks.live_tracks import LiveTracks, Studio
from mien.sinks.stream_sender import Connection, Sender
from mien_models.errors import SinkError

_LOG = logging.getLogger(__name__)
_BIT_RATES: Final = ((720, 4_500_000), (1080, 6_000_000))
"""Up to so many rows; what Twitch and YouTube recommend for 30 to 60 frames a second (their help pages, 2026)."""
_SMALL: Final = 480, 2_000_000


@dataclass(frozen=True, slots=True)
class StreamKind:
    """What a kind of server takes."""

    codec_of_sound: str
    bit_rate: int
    """Of the picture, where the line takes it."""
    is_baseline: bool = False
    """Whether nothing but H.264's simplest profile is sure to be taken."""


def stream_wish(output: OutputFormat, bit_rate: int, *, is_baseline: bool = False) -> VideoWish:
    """Say how pictures are encoded for a line."""
    return VideoWish(output.width, output.height, output.fps, None, bit_rate, is_prompt=True, is_baseline=is_baseline)


def bit_rate_for(output: OutputFormat) -> int:
    """Choose how many bits a second a picture of this size gets."""
    rows = min(output.width, output.height)
    if rows <= _SMALL[0]:
        return _SMALL[1]
    return next((rate for most_rows, rate in _BIT_RATES if rows <= most_rows), _BIT_RATES[-1][1] * 2)


class StreamSink:
    """Has state: the tracks, what waits to be sent, and the thread that sends it.

    Writing never waits for the line. While it is away, frames are left out; the other sinks know nothing of it.
    """

    def __init__(self, shown: str, output: OutputFormat, kind: StreamKind, connect: Callable[[], Connection]) -> None:
        """Take how the stream is called where everybody reads it, and what connects to its server."""
        self._shown, self._output, self._kind, self._connect = shown, output, kind, connect
        self.studio = Studio()
        """What it encodes with; that of the session is set before it is opened."""
        self.on_line: Callable[[str | None], None] | None = None
        """Called with why the line is away, and with None when it is back."""
        self._tracks: LiveTracks | None = None
        self._sender: Sender | None = None
        self._said: str | None = None

    @property
    def description(self) -> str:
        """One line for people; nothing secret."""
        return f"stream to {self._shown}"

    @property
    def bit_rate(self) -> int | None:
        """What is spent on the picture at the moment, bits a second."""
        return None if self._sender is None else self._sender.pace.bit_rate

    @property
    def is_confirmed(self) -> bool:
        """Whether the server has taken the first packets: only then a stream is known to run."""
        return self._sender is not None and self._sender.is_confirmed

    def __enter__(self) -> Self:
        """Begin to connect; whether that works is known after a few frames.

        Raises:
            SinkError: no encoder works.
        """
        kind = self._kind
        wish = stream_wish(self._output, kind.bit_rate, is_baseline=kind.is_baseline)
        self._tracks = LiveTracks(self.studio, wish, kind.codec_of_sound)
        self._sender = Sender(self._shown, self._tracks, self._kind.bit_rate, self._connect, self._tell)
        self._sender.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send what waits, for a moment, and hang up."""
        self._close()

    def write(self, frame: OutputFrame) -> None:
        """Encode a frame; what is ready is sent in another thread.

        Raises:
            SinkError: the server was never reached or refuses; the message says which, without the key.
        """
        self._output.check(frame)
        if self._tracks is None or self._sender is None:
            raise SinkError(f"The {self.description} has ended already.")
        self._sender.write(frame)
        if (error := self._sender.failed()) is not None:
            raise error

    def _close(self) -> None:
        sender, self._sender = self._sender, None
        tracks, self._tracks = self._tracks, None
        if tracks is not None:
            rest = tracks.finish()
            if sender is not None:
                sender.close(rest)

    def _tell(self, why: str | None) -> None:
        if why == self._said:
            return
        self._said = why
        if why is not None:
            _LOG.warning("The %s: %s It is tried again.", self.description, why)
        if self.on_line is not None:
            self.on_line(why)
