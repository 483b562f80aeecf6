"""Streams by RTMP, as Twitch, YouTube and most servers take them: FLV with H.264 and AAC."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from mien.consent.terms import Scope
from mien.pipeline.frame import OutputFormat
from mien.pipeline.sink_interfaces import SinkFactory
from mien.sinks.line import Line
from mien.sinks.registry import HIDDEN, SinkPlugin
from mien.sinks.stream_process import StreamProcess
from mien.sinks.stream_sender import Muxed, Outlet
from mien.sinks.streaming import StreamKind, StreamSink, bit_rate_for
from mien_models.errors import UsageError

_PORTS: Final = {"rtmp": 1935, "rtmps": 443}
_TWITCH: Final = "rtmps://ingest.global-contribute.live-video.net/app"
"""Goes on to the nearest of Twitch's servers."""
_YOUTUBE: Final = "rtmps://a.rtmps.youtube.com/live2"


@dataclass(frozen=True, slots=True, repr=False)
class StreamAddress:
    """Where an RTMP stream goes."""

    scheme: str
    host: str
    port: int
    app: str
    key: str
    """Secret: whoever knows it can stream under the user's name."""
    user: str | None = None
    password: str | None = None

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.scheme.endswith("s")

    @property
    def shown(self) -> str:
        """The address as it may be shown, logged and stored."""
        return f"{self.scheme}://{self.host}/{self.app}/{HIDDEN if self.key else ''}"

    def __repr__(self) -> str:
        """As `shown`: a key gets into no message by accident."""
        return self.shown

    def at(self, port: int) -> str:
        """Give the address of the same stream behind a door on this computer."""
        login = "" if self.user is None else f"{quote(self.user)}:{quote(self.password or '')}@"
        return f"rtmp://{login}127.0.0.1:{port}/{self.app}/{self.key}"

    @property
    def url_of_app(self) -> str:
        """What the server is told the stream's address is, without the key (`tcUrl`)."""
        usual = _PORTS[self.scheme]
        port = "" if self.port == usual else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}/{self.app}"


def stream_address(text: str) -> StreamAddress:
    """Take an address apart.

    Raises:
        UsageError: a part is missing; the message names the part and never the key.
    """
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError as error:
        raise UsageError(f"The port of a {parts.scheme} address is a number from 1 to 65535.") from error
    if HIDDEN in text:
        raise UsageError("The stream key was left out of this address; give the address with its key again.")
    app, _, key = parts.path.lstrip("/").rpartition("/")
    example = f"{parts.scheme}://live.example.com/app/KEY"
    if not parts.hostname:
        raise UsageError(f"A stream needs the server's address, as in {example}.")
    if not app or not (key or parts.query):
        raise UsageError(
            f"A stream to {parts.hostname} needs the application and the stream key, as in {example}; "
            "your streaming service shows both."
        )
    key = key if not parts.query else f"{key}?{parts.query}"
    return StreamAddress(
        parts.scheme,
        parts.hostname,
        port or _PORTS[parts.scheme],
        app,
        key,
        None if parts.username is None else unquote(parts.username),
        None if parts.password is None else unquote(parts.password),
    )


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


def conceal(address: str) -> str:
    """Write an address without the stream's key."""
    try:
        return stream_address(address).shown
    except UsageError:
        return HIDDEN


def _to_address(scheme: str) -> SinkFactory:
    def make(target: str, output: OutputFormat) -> StreamSink:
        return rtmp_sink(f"{scheme}:{target}", output)

    return make


def _to_service(name: str, address: str) -> SinkFactory:
    def make(target: str, output: OutputFormat) -> StreamSink:
        return rtmp_sink(f"{address}/{target}", output, name)

    return make


def _hidden(_key: str) -> str:
    return HIDDEN


PLUGINS: Final[Mapping[str, SinkPlugin]] = {
    "rtmp": SinkPlugin(
        make=_to_address("rtmp"),
        label="Stream (RTMP)",
        help="a stream to a server of your own, not encrypted",
        target="//HOST/APP/KEY",
        use=Scope.STREAMING,
        conceal=lambda target: conceal(f"rtmp:{target}").removeprefix("rtmp:"),
    ),
    "rtmps": SinkPlugin(
        make=_to_address("rtmps"),
        label="Stream, encrypted (RTMPS)",
        help="a stream to a server, encrypted",
        target="//HOST/APP/KEY",
        use=Scope.STREAMING,
        conceal=lambda target: conceal(f"rtmps:{target}").removeprefix("rtmps:"),
    ),
    "twitch": SinkPlugin(
        make=_to_service("Twitch", _TWITCH),
        label="Twitch",
        help="a stream to Twitch",
        target="KEY",
        use=Scope.STREAMING,
        conceal=_hidden,
    ),
    "youtube": SinkPlugin(
        make=_to_service("YouTube", _YOUTUBE),
        label="YouTube",
        help="a stream to YouTube",
        target="KEY",
        use=Scope.STREAMING,
        conceal=_hidden,
    ),
}
