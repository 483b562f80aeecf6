"""What is secret in a command line does not stay there for others to read."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.real_runs import LONGEST_S, begun

KEY = "s3cret-stream-key"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a program rewrite its command line")
@pytest.mark.parametrize(
    "words",
    [
        ("--sink", f"rtmp://127.0.0.1:9/app/{KEY}"),
        (f"--sink=twitch:{KEY}",),
        ("--sink", f"srt://127.0.0.1:9?passphrase={KEY}"),
        ("--sink", f"whip:http://{KEY}@127.0.0.1:9/x"),
    ],
)
def test_a_stream_key_is_wiped_from_the_command_line(words: tuple[str, ...], tmp_path: Path) -> None:
    run = begun("run", "--camera", "synthetic", "--sink", "null", "--seconds", "20", *words, cwd=tmp_path)
    try:
        line = Path(f"/proc/{run.pid}/cmdline")
        ends_s = time.monotonic() + LONGEST_S
        # For a moment after it began, a program has no command line yet.
        while not line.read_text():
            assert time.monotonic() < ends_s
        assert KEY in line.read_text()
        while KEY in line.read_text():
            assert time.monotonic() < ends_s
            assert run.poll() is None
            time.sleep(0.02)
        assert "--camera\0synthetic" in line.read_text()
    finally:
        run.terminate()
        try:
            run.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            run.kill()
            run.communicate()
