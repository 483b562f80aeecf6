"""The process that speaks to a streaming server: takes a stream as Matroska on its standard input, sends it on.

FFmpeg waits for servers without letting any other thread of Python run, and cannot be interrupted. A process can: it is
killed. It gets the address on its input too, since what stands in a command line everybody on this computer can read.
"""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import IO, Final, cast

import av
from av.container import OutputContainer
from av.error import FFmpegError

_UP: Final = b"up\n"
_GOES_S: Final = 2.0
# Of what is piped to a process: every packet at once, and nothing that only a file needs.
PIPED: Final = {"live": "1", "cluster_time_limit": "1", "flush_packets": "1"}


class StreamProcess:
    """Has state: the process. What is written into the container that `open` gives is sent by it."""

    def __init__(self, url: str, muxer: str, options: Mapping[str, str], on_up: Callable[[], None]) -> None:
        """Start it; `on_up` is called, by a thread, when the server has taken the stream's first packets."""
        self._on_up = on_up
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self._said = ""
        self._reader = threading.Thread(target=self._listen, name="mien-stream-answers", daemon=True)
        self._reader.start()
        head = json.dumps({"url": url, "muxer": muxer, "options": dict(options)})
        self._input.write(head.encode() + b"\n")

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        return self._process.stdin

    def open(self) -> OutputContainer:
        """Give what is to be written into; writing waits while the line takes nothing, and fails once it is gone."""
        return av.open(self._input, "w", format="matroska", options=PIPED)

    def why(self) -> str:
        """Say in one word why it ended: FFmpeg's kind of error; '' where it did not say."""
        self._reader.join(_GOES_S)
        return self._said

    def finish(self) -> None:
        """Let it send what it has, for a moment, and end."""
        self._input.close()
        try:
            self._process.wait(_GOES_S)
        except subprocess.TimeoutExpired:
            self.cut()

    def cut(self) -> None:
        """End it now; any thread may, more than once."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._input.close()

    def _listen(self) -> None:
        answers, errors = self._process.stdout, self._process.stderr
        assert answers is not None  # noqa: S101 - pipes were asked for
        assert errors is not None  # noqa: S101
        with answers, errors:
            if answers.readline() == _UP:
                self._on_up()
            words = errors.read().decode(errors="replace").split()
        self._said = words[-1] if words else ""


def main() -> None:
    """Send what comes on standard input to where its first line says."""
    with open(0, "rb", buffering=0) as given:
        head = cast("dict[str, object]", json.loads(_line(given)))
        try:
            _send(given, str(head["url"]), str(head["muxer"]), cast("dict[str, str]", head["options"]))
        except (FFmpegError, OSError) as error:
            # Never its words: they hold the address and with it the key.
            print(type(error).__name__, file=sys.stderr)  # noqa: T201
            sys.exit(1)


def _line(given: IO[bytes]) -> bytes:
    """Read one line and not a byte more."""
    found = bytearray()
    while (byte := given.read(1)) and byte != b"\n":
        found += byte
    return bytes(found)


def _send(given: IO[bytes], url: str, muxer: str, options: dict[str, str]) -> None:
    with av.open(given, "r", format="matroska", options={"probesize": "32", "analyzeduration": "0"}) as stream:
        target = av.open(url, "w", format=muxer, options=options)
        copies = {source.index: target.add_stream_from_template(source) for source in stream.streams}
        target.start_encoding()
        sys.stdout.buffer.write(_UP)
        sys.stdout.buffer.flush()
        for packet in stream.demux():
            if packet.dts is None:
                continue
            packet.stream = copies[packet.stream.index]
            target.mux_one(packet)
        target.close()


if __name__ == "__main__":
    main()
