"""Streams by RTMP, as Twitch, YouTube and most servers take them: FLV with H.264 and AAC."""

from collections.abc import Callable
from typing import Final

from mien.pipeline.frame import OutputFormat
from mien.sinks.line import Line
from mien.sinks.stream_address import HIDDEN, StreamAddress, stream_address
from mien.sinks.stream_process import StreamProcess
from mien.sinks.stream_sender import Muxed, Outlet
from mien.sinks.streaming import StreamKind, StreamSink
from mien_models.errors import UsageError

_BIT_RATES: Final = ((720, 4_500_000), (1080, 6_000_000))
"""Up to so many rows; what Twitch and YouTube recommend for 30 to 60 frames a second (their help pages, 2026)."""
_SMALL: Final = 480, 2_000_000


class RtmpConnection:
    """Has state: the line that it uses."""

    def __init__(self, address: StreamAddress) -> None:
        self._address = address
        self._line = Line(address.host, address.port, is_encrypted=address.is_encrypted)
        self._process: StreamProcess | None = None

    @property
    def is_lossy(self) -> bool:
        """By TCP nothing is lost."""
        return False

    def open(self, on_up: Callable[[], None]) -> Outlet:
        """Connect to the server, and begin to publish.

        Raises:
            SinkError: it cannot be reached.
        """
        self._line.open()
        options = {"rtmp_tcurl": self._address.url_of_app, "rtmp_live": "live", "flvflags": "no_duration_filesize"}
        self._process = StreamProcess(self._address.at(self._line.port), "flv", options, on_up)
        return Muxed(self._process.open())

    def refusal(self, shown: str) -> str:
        """Say it with FFmpeg's kind of error."""
        why = "" if self._process is None else self._process.why()
        kind = f" ({why.removesuffix('Error')})" if why else ""
        return f"{shown} was reached and refuses the stream{kind}; check the application and the stream key."

    def finish(self) -> None:
        """Let the server have what was written, and hang up."""
        if self._process is not None:
            self._process.finish()
        self._line.cut()

    def cut(self) -> None:
        """Hang up now."""
        self._line.cut()
        if self._process is not None:
            self._process.cut()


def rtmp_sink(url: str, output: OutputFormat, shown: str | None = None) -> StreamSink:
    """Make the sink for an address.

    Raises:
        UsageError: the address lacks a part.
    """
    address = stream_address(url)
    kind = StreamKind("aac", bit_rate_for(output))
    return StreamSink(shown or address.shown, output, kind, lambda: RtmpConnection(address))


def bit_rate_for(output: OutputFormat) -> int:
    """Choose how many bits a second a picture of this size gets."""
    rows = min(output.width, output.height)
    if rows <= _SMALL[0]:
        return _SMALL[1]
    return next((rate for most_rows, rate in _BIT_RATES if rows <= most_rows), _BIT_RATES[-1][1] * 2)


def conceal(address: str) -> str:
    """Write an address without the stream's key."""
    try:
        return stream_address(address).shown
    except UsageError:
        return HIDDEN
