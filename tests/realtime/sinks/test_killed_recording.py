"""A recording whose run was killed: at most two seconds of it are lost, at any bit rate and frame rate."""

import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import pytest
from tests.real_runs import begun, mien

from mien.sinks.recovery import recover

LOST_S = 2

RECORD = """
import os, signal, sys
from fractions import Fraction
import numpy as np
from mien.pipeline.frame import OutputFrame, State
from mien.pipeline.frame import OutputFormat
from mien.provenance.release import ReleasedPicture
from mien.sinks.backends.file import FileSink

path, fps, seconds, is_noisy = sys.argv[1], Fraction(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "noise"
width, height = 320, 240
random = np.random.default_rng(0)
still = np.full((height, width, 3), 90, np.uint8)
with FileSink(path, OutputFormat(width, height, fps)) as sink:
    for index in range(int(seconds * fps)):
        picture = random.integers(0, 256, still.shape, np.uint8) if is_noisy else still
        frame = OutputFrame(ReleasedPicture.unswapped(picture), index, int(index / fps * 1_000_000_000), State.LIVE)
        sink.write(frame)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def length_s(path: Path) -> float:
    """Give the time at which the last picture that can be decoded ends."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        times = [frame.time for frame in file.decode(stream)]
    return max(times) + (times[-1] - times[0]) / max(1, len(times) - 1)


def aged(part: Path) -> Path:
    os.utime(part, (1e9, 1e9))
    return part


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
@pytest.mark.parametrize(
    ("name", "fps", "what", "seconds"),
    [
        *(("a.mp4", "30", "still", seconds) for seconds in (3, 7, 15)),
        *(("a.mov", "12", "noise", seconds) for seconds in (3, 7, 15)),
        ("a.m4v", "25", "still", 7),
        ("a.mov", "60", "still", 7),
        ("a.mp4", "30000/1001", "noise", 3),
        ("a.mp4", "5", "still", 7),
        ("a.mp4", "2", "still", 7),
        ("a.mp4", "1", "still", 7),
    ],
)
def test_two_seconds_are_lost_at_most(tmp_path: Path, name: str, fps: str, what: str, seconds: int) -> None:
    killed = subprocess.run([sys.executable, "-c", RECORD, str(tmp_path / name), fps, str(seconds), what], check=False)
    assert killed.returncode == -signal.SIGKILL
    part = tmp_path / f"{name}.part"
    assert length_s(part) >= seconds - LOST_S
    whole, frames = recover(aged(part))
    assert whole == tmp_path / name
    assert length_s(whole) >= seconds - LOST_S
    assert frames >= (seconds - LOST_S) * Fraction(fps) - 1
    assert [found.name for found in tmp_path.iterdir()] == [name]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
@pytest.mark.parametrize("name", ["live.mp4", "live.mov"])
def test_a_run_that_is_killed_leaves_what_it_showed(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    part = tmp_path / f"{name}.part"
    with begun("run", "--camera", "synthetic", "--size", "320x180", "--fps", "15", "--sink", f"file:{name}") as run:
        began_s = None
        while began_s is None or time.monotonic() - began_s < 7:
            if began_s is None and part.exists() and part.stat().st_size:
                began_s = time.monotonic()
            assert run.poll() is None, run.stderr and run.stderr.read().decode()
            time.sleep(0.05)
        run.kill()
    recorded_s = time.monotonic() - began_s
    assert length_s(part) >= recorded_s - LOST_S - 0.5
    refused = mien("run", "--camera", "synthetic", "--sink", f"file:{name}")
    assert refused.returncode == 1
    assert b"mien recover" in refused.stderr
    done = mien("recover", aged(part))
    assert done.returncode == 0, done.stderr.decode()
    assert length_s(tmp_path / name) >= recorded_s - LOST_S - 0.5
    assert not part.exists()
