"""A recording whose run was killed: at most two seconds of it are lost, at any bit rate and frame rate."""

import json
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

from mien.sinks.recorded_file import recover

LOST_S = 2

CASES = (
    *(("a.mp4", "30", "still", seconds) for seconds in (3, 7, 15)),
    *(("a.mov", "12", "noise", seconds) for seconds in (3, 7, 15)),
    ("a.m4v", "25", "still", 7),
    ("a.mov", "60", "still", 7),
    ("a.mp4", "30000/1001", "noise", 3),
    ("a.mp4", "5", "still", 7),
    ("a.mp4", "2", "still", 7),
    ("a.mp4", "1", "still", 7),
)
"""Name, frames a second, what is recorded, and for how many seconds before the end."""

RECORD = """
import json, os, signal, sys
from fractions import Fraction
import numpy as np
from mien.pipeline.frame import OutputFrame, State
from mien.pipeline.frame import OutputFormat
from mien.provenance.release import ReleasedPicture
from mien.sinks.backends.file import FileSink

width, height = 160, 120
random = np.random.default_rng(0)
still = np.full((height, width, 3), 90, np.uint8)
opened = []
for number, (name, rate, what, seconds) in enumerate(json.loads(sys.argv[1])):
    fps = Fraction(rate)
    sink = FileSink(f"{number}/{name}", OutputFormat(width, height, fps)).__enter__()
    opened.append(sink)
    for index in range(int(seconds * fps)):
        picture = random.integers(0, 256, still.shape, np.uint8) if what == "noise" else still
        frame = OutputFrame(ReleasedPicture.unswapped(picture), index, int(index / fps * 1_000_000_000), State.LIVE)
        sink.write(frame)
os.kill(os.getpid(), signal.SIGKILL)
"""
"""All recordings are still open when the process is killed."""


def length_s(path: Path) -> float:
    """Give the time at which the last picture that can be decoded ends."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        times = [frame.time for frame in file.decode(stream)]
    return max(times) + (times[-1] - times[0]) / max(1, len(times) - 1)


def aged(part: Path) -> Path:
    os.utime(part, (1e9, 1e9))
    return part


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record every case in one process, which is killed, and give the folder that holds one for each."""
    folder = tmp_path_factory.mktemp("killed")
    for number in range(len(CASES)):
        (folder / str(number)).mkdir()
    process = subprocess.run([sys.executable, "-c", RECORD, json.dumps(CASES)], cwd=folder, check=False)
    assert process.returncode == -signal.SIGKILL
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
@pytest.mark.parametrize("number", range(len(CASES)), ids=["-".join(map(str, case)) for case in CASES])
def test_two_seconds_are_lost_at_most(killed: Path, number: int) -> None:
    name, fps, _what, seconds = CASES[number]
    folder = killed / str(number)
    part = folder / f"{name}.part"
    assert length_s(part) >= seconds - LOST_S
    whole, frames = recover(aged(part))
    assert whole == folder / name
    assert length_s(whole) >= seconds - LOST_S
    assert frames >= (seconds - LOST_S) * Fraction(fps) - 1
    assert [found.name for found in folder.iterdir()] == [name]


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
