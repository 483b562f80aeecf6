"""Streams by SRT: to FFmpeg's own program as a listener, refusals, and what is secret in an address."""

import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.realtime.sinks.clapping import FORMAT, clapping_sound, send
from tests.realtime.sinks.test_watch import free_port

from mien.diagnostics.bench.sync import measured
from mien.sinks.backends.srt import ffmpeg_program, srt_address, srt_sink
from mien.sinks.live_tracks import Studio
from mien.sinks.registry import make_sink, shown_spec
from mien_models.errors import SinkError, UsageError

WORDS = "s3cret-pass-words"
needs_program = pytest.mark.skipif(ffmpeg_program() is None, reason="the extra srt is not installed")


@contextmanager
def listener(program: str, port: int, path: Path, query: str = "") -> Generator[subprocess.Popen[bytes]]:
    url = f"srt://127.0.0.1:{port}?mode=listener{query}"
    process = subprocess.Popen(
        [program, "-v", "error", "-y", "-i", url, "-c", "copy", "-f", "mpegts", str(path)], stderr=subprocess.DEVNULL
    )
    try:
        ends_s = time.monotonic() + 30
        while f":{port:04X} 00000000:0000 07" not in Path("/proc/net/udp").read_text():
            assert time.monotonic() < ends_s, "the listener does not listen"
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


def command_lines(word: str) -> list[str]:
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line and "mode=listener" not in line:
            found.append(line)
    return found


@needs_program
@pytest.mark.parametrize("is_secret", [False, True])
def test_a_listener_gets_picture_and_sound_in_step(tmp_path: Path, is_secret: bool) -> None:
    port, path = free_port(), tmp_path / "got.ts"
    # Debian's own libsrt and that of newer FFmpegs understand each other without a passphrase only.
    program = ffmpeg_program() if is_secret else shutil.which("ffmpeg")
    if program is None:
        pytest.skip("FFmpeg's program is the listener")
    query = f"passphrase={WORDS}&streamid={WORDS}" if is_secret else ""
    sink = srt_sink(f"srt://127.0.0.1:{port}?{query}", FORMAT)
    with clapping_sound() as hub, listener(program, port, path, f"&passphrase={WORDS}" if is_secret else ""):
        sink.studio = Studio(hub=hub)
        with sink:
            send(sink, 30, until=lambda: sink.is_confirmed)
            assert command_lines(f"srt://127.0.0.1:{port}")
            assert not command_lines(WORDS)
            send(sink, 9)
        time.sleep(1)
    found = measured(path)
    assert found.claps >= 3
    assert abs(found.median_ms) < 20


@needs_program
def test_a_passphrase_that_is_missing_is_said(tmp_path: Path) -> None:
    port, program = free_port(), ffmpeg_program()
    assert program is not None
    sink = srt_sink(f"srt://127.0.0.1:{port}", FORMAT)
    with (
        listener(program, port, tmp_path / "got.ts", f"&passphrase={WORDS}"),
        pytest.raises(SinkError, match=r"refuses the passphrase"),
        sink,
    ):
        send(sink, 30)


@needs_program
def test_where_nobody_listens_it_is_said() -> None:
    sink = srt_sink(f"srt://127.0.0.1:{free_port()}?passphrase={WORDS}", FORMAT)
    with pytest.raises(SinkError, match=r"does not answer, or refuses|says nothing") as refused, sink:
        send(sink, 30)
    assert WORDS not in str(refused.value)


def test_without_the_program_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.sinks.backends.srt.ffmpeg_program", lambda: None)
    sink = srt_sink("srt://127.0.0.1:9", FORMAT)
    with pytest.raises(SinkError, match="pip install imageio-ffmpeg"), sink:
        send(sink, 30)


def test_nothing_secret_is_shown() -> None:
    spec = f"srt://host:9000?streamid={WORDS}&passphrase={WORDS}"
    assert shown_spec(spec) == "srt://host:9000?****"
    assert WORDS not in make_sink(spec, FORMAT).description
    assert WORDS not in repr(srt_address(spec))


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("srt://host", "a computer and a port"),
        ("srt://host:99999", "from 1 to 65535"),
        ("srt://host:9000?passfrase=1234567890", "did you mean 'passphrase'"),
        ("srt://host:9000?passphrase=short", "10 to 79 characters; this one has 5"),
        ("srt://host:9000?****", "left out"),
    ],
)
def test_an_address_that_is_wrong_says_what(spec: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        make_sink(spec, FORMAT)
