"""Signals that ask for the end: nothing unfinished is left, and a recording is finished."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from tests.real_runs import LONGEST_S, begun

from mien.tracking.photo import photo_address, public_domain_photo, read_source_photo

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="there are other signals"),
]
ENDING = [signal.SIGHUP, signal.SIGTERM, signal.SIGINT]


@pytest.fixture(autouse=True)
def _hears_signals_even_where_the_tests_run_in_the_background() -> Iterator[None]:
    kept = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGINT)}
    yield
    for number, before in kept.items():
        signal.signal(number, before)


@pytest.fixture(autouse=True)
def _in_a_folder_with_a_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _make_film(frames=200)


def _make_film(*, frames: int) -> None:
    photo = read_source_photo(photo_address(str(public_domain_photo()))).photo_bgr
    with av.open("film.mp4", "w") as file:
        stream = file.add_stream("libx264", rate=10)
        stream.height, stream.width = photo.shape[:2]
        stream.pix_fmt = "yuv420p"
        for _ in range(frames):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(photo), "bgr24")))
        file.mux(stream.encode(None))


def wait_for(pattern: str, run: subprocess.Popen[bytes]) -> None:
    while not any(path.stat().st_size for path in Path().glob(pattern)):
        assert run.poll() is None, run.stderr and run.stderr.read().decode()
        time.sleep(0.02)


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("output", ["out.mp4", "out.gif"])
def test_a_swap_that_is_ended_leaves_nothing(number: signal.Signals, output: str) -> None:
    with begun("swap", "film.mp4", output) as run:
        wait_for(f"{output}.*.part", run)
        run.send_signal(number)
        _, said = run.communicate(timeout=LONGEST_S)
    assert run.returncode == 128 + number
    assert b"Traceback" not in said
    assert [path.name for path in Path().iterdir()] == ["film.mp4"]


def test_a_second_signal_does_not_interrupt_the_cleaning_up() -> None:
    with begun("swap", "film.mp4", "out.mp4") as run:
        wait_for("out.mp4.*.part", run)
        for _ in range(20):
            run.send_signal(signal.SIGTERM)
            run.send_signal(signal.SIGHUP)
        run.communicate(timeout=LONGEST_S)
    assert run.returncode > 128
    assert [path.name for path in Path().iterdir()] == ["film.mp4"]


@pytest.mark.parametrize("number", ENDING)
def test_a_run_that_is_ended_finishes_its_recording(number: signal.Signals) -> None:
    words = ["--camera", "synthetic", "--size", "320x180", "--fps", "10", "--sink", "file:out.mp4"]
    with begun("run", *words) as run:
        wait_for("out.mp4.part", run)
        run.send_signal(number)
        _, said = run.communicate(timeout=LONGEST_S)
    assert run.returncode == 0, said.decode()
    assert b"Traceback" not in said
    with av.open("out.mp4") as file:
        assert sum(1 for _ in file.decode(video=0)) > 0
    assert sorted(path.name for path in Path().iterdir()) == ["film.mp4", "out.mp4"]


def test_what_nohup_starts_outlives_its_terminal() -> None:
    _make_film(frames=40)
    command = ["nohup", sys.executable, "-m", "mien", "swap", "film.mp4", "out.gif"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        wait_for("out.gif.*.part", run)
        run.send_signal(signal.SIGHUP)
        assert run.wait(timeout=LONGEST_S) == 0
    assert Path("out.gif").is_file()


def test_a_live_run_that_nohup_starts_outlives_its_terminal() -> None:
    command = [
        "nohup",
        sys.executable,
        "-m",
        "mien",
        "run",
        "--camera",
        "synthetic",
        "--size",
        "320x180",
        "--fps",
        "10",
    ]
    with subprocess.Popen(
        [*command, "--sink", "file:out.mp4"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        wait_for("out.mp4.part", run)
        run.send_signal(signal.SIGHUP)
        time.sleep(1)
        assert run.poll() is None
        run.terminate()
        assert run.wait(timeout=LONGEST_S) == 0
