"""Streams by SRT, as OBS and many encoders take them: MPEG-TS with H.264 and AAC, sent by FFmpeg's own program.

PyAV's wheels know no SRT; the program of the package imageio-ffmpeg does. It gets the stream as Matroska on its input.
"""

import contextlib
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import av

from mien.config.process import wipe
from mien.consent.terms import Scope
from mien.pipeline.frame import OutputFormat
from mien.sinks.registry import HIDDEN, SinkPlugin
from mien.sinks.stream_process import PIPED
from mien.sinks.stream_sender import Muxed, Outlet
from mien.sinks.streaming import StreamKind, StreamSink, bit_rate_for
from mien_models.errors import SinkError, UsageError
from mien_models.system.near_miss import did_you_mean

_EXAMPLE: Final = "srt://host:9000?streamid=NAME&passphrase=WORDS"
_OPTIONS: Final = ("streamid", "passphrase", "latency", "mode", "pbkeylen", "connect_timeout")
_SECRET: Final = ("streamid", "passphrase")
_PASSPHRASE: Final = (10, 79)
_GOES_S: Final = 2.0
HOW_TO_INSTALL: Final = "SRT needs FFmpeg's program: pip install imageio-ffmpeg, or uv sync --extra srt."


@dataclass(frozen=True, slots=True, repr=False)
class SrtAddress:
    """Where a stream goes."""

    host: str
    port: int
    options: tuple[tuple[str, str], ...]

    @property
    def url(self) -> str:
        """The whole address, as FFmpeg reads it; secret."""
        query = urlencode(self.options)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"srt://{host}:{self.port}?{query}" if query else f"srt://{host}:{self.port}"

    @property
    def shown(self) -> str:
        """The address as it may be shown, logged and stored."""
        return f"srt://{self.host}:{self.port}{'?' + HIDDEN if self.options else ''}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may stand nowhere, as it stands in the address."""
        return tuple(urlencode([(name, text)]).partition("=")[2] for name, text in self.options if name in _SECRET)

    def __repr__(self) -> str:
        """As `shown`."""
        return self.shown


def srt_address(text: str) -> SrtAddress:
    """Take an address apart.

    Raises:
        UsageError: a part is missing or wrong; the message names the part and nothing secret.
    """
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError as error:
        raise UsageError("The port of an srt address is a number from 1 to 65535.") from error
    if HIDDEN in text:
        raise UsageError("What is secret was left out of this address; give it whole again.")
    if not parts.hostname or not port:
        raise UsageError(f"SRT takes a computer and a port, as in {_EXAMPLE}.")
    options = tuple(parse_qsl(parts.query, keep_blank_values=True))
    for name, value in options:
        if name not in _OPTIONS:
            hint = did_you_mean(name, _OPTIONS, f"it knows: {', '.join(_OPTIONS)}.")
            raise UsageError(f"An srt address has no option {name!r}; {hint}")
        if name == "passphrase" and not _PASSPHRASE[0] <= len(value) <= _PASSPHRASE[1]:
            raise UsageError(f"SRT takes passphrases of 10 to 79 characters; this one has {len(value)}.")
    return SrtAddress(parts.hostname, port, options)


def srt_sink(url: str, output: OutputFormat) -> StreamSink:
    """Make the sink for an address.

    Raises:
        UsageError: the address lacks a part.
    """
    address = srt_address(url)
    kind = StreamKind("aac", bit_rate_for(output))
    return StreamSink(address.shown, output, kind, lambda: SrtConnection(address))


def ffmpeg_program() -> str | None:
    """Give the program that speaks SRT; None where it is not installed."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        return None
    try:
        return str(get_ffmpeg_exe())
    except RuntimeError:  # a wheel without the program
        return None


class SrtConnection:
    """Has state: the process."""

    def __init__(self, address: SrtAddress) -> None:
        self._address = address
        self._process: subprocess.Popen[bytes] | None = None
        self._said = ""
        self._readers: list[threading.Thread] = []

    @property
    def is_lossy(self) -> bool:
        """Its program waits where the line does not keep up."""
        return False

    def open(self, on_up: Callable[[], None]) -> Outlet:
        """Connect, and begin to send.

        Raises:
            SinkError: the program is not installed.
        """
        program = ffmpeg_program()
        if program is None:
            raise SinkError(HOW_TO_INSTALL)
        words = ["-hide_banner", "-nostdin", "-v", "error", "-progress", "pipe:1", "-stats_period", "0.2"]
        source = ["-probesize", "32", "-analyzeduration", "0", "-fflags", "nobuffer", "-f", "matroska", "-i", "pipe:0"]
        target = ["-c", "copy", "-flush_packets", "1", "-f", "mpegts", self._address.url]
        self._process = process = subprocess.Popen(  # noqa: S603 - its address was checked
            [program, *words, *source, *target],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert process.stdin is not None  # noqa: S101 - pipes were asked for
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        self._start(self._wait_for_news, process, process.stdout, on_up)
        self._start(self._keep_words, process.stderr)
        return Muxed(av.open(process.stdin, "w", format="matroska", options=PIPED))

    def refusal(self, shown: str) -> str:
        """Say what SRT found; where nobody listens, nobody answers."""
        for reader in self._readers:
            reader.join(_GOES_S)
        if "UNSECURE" in self._said or "BADSECRET" in self._said:
            return f"{shown} refuses the passphrase, or asks for one; give its own as ?passphrase=WORDS."
        if "resolve" in self._said:
            return f"There is no computer named {self._address.host!r}; check the address of the stream."
        return f"{shown} does not answer, or refuses the stream; does it listen, and does the stream's id fit?"

    def finish(self) -> None:
        """Let it send what it has, for a moment, and end."""
        process = self._process
        if process is not None and process.stdin is not None:
            process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GOES_S)
        self.cut()

    def cut(self) -> None:
        """End it now; any thread may, more than once."""
        if (process := self._process) is not None:
            process.kill()
            process.wait()
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()

    def _start(self, work: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=work, args=given, name="mien-srt", daemon=True)
        self._readers.append(thread)
        thread.start()

    def _wait_for_news(self, process: "subprocess.Popen[bytes]", news: IO[bytes], on_up: Callable[[], None]) -> None:
        """Hear when it sends: it tells of its progress once it is connected."""
        with news:
            sent = b"0"
            for line in news:
                name, _, text = line.strip().partition(b"=")
                if name == b"total_size" and text.isdigit() and int(text) > 0 and sent == b"0":
                    sent = text
                    # FFmpeg takes an address from nowhere else.
                    wipe(self._address.secrets, process.pid)
                    on_up()

    def _keep_words(self, words: IO[bytes]) -> None:
        with words:
            self._said = words.read().decode(errors="replace")


def _make(target: str, output: OutputFormat) -> StreamSink:
    return srt_sink(f"srt:{target}", output)


def _concealed(target: str) -> str:
    try:
        return srt_address(f"srt:{target}").shown.removeprefix("srt:")
    except UsageError:
        return HIDDEN


PLUGIN: Final = SinkPlugin(
    make=_make,
    label="Stream (SRT)",
    help="a stream by SRT, with the extra 'srt'",
    target="//HOST:PORT",
    use=Scope.STREAMING,
    conceal=_concealed,
)
