"""Streams over RTMP: against FFmpeg as a server, servers that refuse, hang or die, and keys that must never be read."""

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.realtime.sinks.clapping import FORMAT, send

from mien.diagnostics.bench.sync import measured
from mien.sinks.backends.rtmp import rtmp_sink, stream_address
from mien.sinks.live_tracks import Studio
from mien.sinks.registry import make_sink, shown_spec
from mien.sound.hub import SoundHub
from mien.sound.microphone import MicrophoneRequest
from mien_models.errors import SinkError, UsageError

KEY = "s3cret-stream-key"

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="FFmpeg's program is the server")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def server(port: int, path: Path) -> Generator[subprocess.Popen[bytes]]:
    """Let FFmpeg take one stream and write down what it gets."""
    url = f"rtmp://127.0.0.1:{port}/app/{KEY}"
    process = subprocess.Popen(
        ["ffmpeg", "-v", "error", "-y", "-listen", "1", "-i", url, "-c", "copy", "-f", "flv", str(path)],
        stderr=subprocess.DEVNULL,
    )
    try:
        ends_s = time.monotonic() + 30
        while f":{port:04X} 00000000:0000 0A" not in Path("/proc/net/tcp").read_text():
            assert time.monotonic() < ends_s, "the server does not listen"
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


@needs_ffmpeg
def test_a_server_gets_picture_and_sound_in_step(tmp_path: Path) -> None:
    port, path = free_port(), tmp_path / "got.flv"
    hub = SoundHub(MicrophoneRequest("synthetic", FORMAT.fps), lambda _: None, lambda _: None)
    hub.start()
    sink = rtmp_sink(f"rtmp://127.0.0.1:{port}/app/{KEY}", FORMAT)
    sink.studio = Studio(hub=hub)
    with server(port, path) as process:
        with sink:
            send(sink, 30, until=lambda: sink.is_confirmed)
            send(sink, 9)
        process.wait(20)
    hub.close()
    found = measured(path)
    assert found.claps >= 3
    assert abs(found.median_ms) < 20


@needs_ffmpeg
def test_a_stream_comes_back_with_its_server(tmp_path: Path) -> None:
    port, news = free_port(), list[str | None]()
    sink = rtmp_sink(f"rtmp://127.0.0.1:{port}/app/{KEY}", FORMAT)
    sink.on_line = news.append
    with contextlib.ExitStack() as open_sink:
        with server(port, tmp_path / "first.flv"):
            open_sink.enter_context(sink)
            send(sink, 30, until=lambda: sink.is_confirmed)
            send(sink, 1)
        send(sink, 30, until=lambda: bool(news))
        with server(port, tmp_path / "second.flv"):
            send(sink, 60, until=lambda: news[-1] is None)
            second = tmp_path / "second.flv"
            # The server opens its file once it has seen what comes.
            send(sink, 60, until=second.exists)
    assert news[0] is not None
    assert news[-1] is None
    assert second.exists()
    assert KEY not in "".join(map(str, news))


@contextmanager
def hanging_server() -> Generator[int]:
    """Take connections and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    kept.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for one in kept:
                one.close()


@contextmanager
def resetting_server() -> Generator[int]:
    """Take connections and hang up at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def test_a_server_that_never_answers_is_given_up_and_others_may_work_meanwhile() -> None:
    with hanging_server() as port:
        sink = rtmp_sink(f"rtmp://127.0.0.1:{port}/app/{KEY}", FORMAT)
        with sink, pytest.raises(SinkError, match="says nothing") as refused:
            send(sink, 30)
    assert KEY not in str(refused.value)


def test_a_server_that_hangs_up_is_said_to_refuse() -> None:
    with resetting_server() as port:
        sink = rtmp_sink(f"rtmp://127.0.0.1:{port}/app/{KEY}", FORMAT)
        with sink, pytest.raises(SinkError, match="refuses the stream") as refused:
            send(sink, 30)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("rtmp://127.0.0.1:{port}/app/KEY", "takes no streams at port"),
        ("rtmp://no-such-host.invalid/app/KEY", "no computer named 'no-such-host.invalid'"),
        ("rtmps://127.0.0.1:{tls}/app/KEY", "speaks no TLS"),
    ],
)
def test_what_is_not_reached_is_said_in_one_sentence(url: str, sentence: str) -> None:
    with resetting_server() as tls:
        sink = rtmp_sink(url.format(port=free_port(), tls=tls), FORMAT)
        with sink, pytest.raises(SinkError, match=sentence):
            send(sink, 30)


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        (f"rtmp://host/app/{KEY}", "rtmp://host/app/****"),
        (f"rtmps://user:{KEY}@host:444/a/b/{KEY}?x={KEY}", "rtmps://host/a/b/****"),
        (f"twitch:{KEY}", "twitch:****"),
        (f"youtube:{KEY}", "youtube:****"),
        ("file:out.mp4", "file:out.mp4"),
    ],
)
def test_no_key_is_shown(spec: str, shown: str) -> None:
    assert shown_spec(spec) == shown
    assert KEY not in make_sink(spec, FORMAT).description
    if "//" in spec:
        assert KEY not in repr(stream_address(spec))


@pytest.mark.parametrize(
    "url", ["rtmp://", "rtmp:///app/key", "rtmp://host", "rtmp://host/app", "rtmp://host:99999/a/k"]
)
def test_an_address_that_lacks_a_part_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        rtmp_sink(url, FORMAT)
