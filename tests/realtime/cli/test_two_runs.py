"""Two runs into one output: the first is whole, and the second is told."""

import os
import subprocess
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from tests.real_runs import LONGEST_S, begun, mien, sentence_of

from mien.tracking.photo import photo_address, public_domain_photo, read_source_photo

pytestmark = pytest.mark.slow
TOLD = "Another run is writing"


def film(name: str, frames: int) -> None:
    photo = read_source_photo(photo_address(str(public_domain_photo()))).photo_bgr
    with av.open(name, "w") as file:
        stream = file.add_stream("libx264", rate=10)
        stream.height, stream.width = photo.shape[:2]
        stream.pix_fmt = "yuv420p"
        for _ in range(frames):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(photo), "bgr24")))
        file.mux(stream.encode(None))


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def wait_for(pattern: str, run: subprocess.Popen[bytes]) -> Path:
    """Wait until a file that a run writes has begun."""
    while True:
        found = [path for path in Path().glob(pattern) if path.is_file() and path.stat().st_size]
        if found:
            return found[0]
        assert run.poll() is None, run.stderr and run.stderr.read().decode()
        time.sleep(0.02)


def frames_in(name: str) -> int:
    with av.open(name) as file:
        return sum(1 for _ in file.decode(video=0))


def test_the_second_film_into_a_name_is_refused_while_the_first_is_written() -> None:
    film("long.mp4", 150)
    film("short.mp4", 3)
    with begun("swap", "long.mp4", "out.mp4") as first:
        wait_for("out.mp4.*.part", first)
        second = mien("swap", "short.mp4", "out.mp4")
        assert first.poll() is None, "the first was too fast for this test"
        _, said = first.communicate(timeout=LONGEST_S)
    assert (second.returncode, TOLD in sentence_of(second.stderr)) == (1, True)
    assert first.returncode == 0, said.decode()
    assert frames_in("out.mp4") == 150
    assert sorted(os.listdir()) == ["long.mp4", "out.mp4", "short.mp4"]  # noqa: PTH208 - names
    assert mien("swap", "short.mp4", "out.mp4").returncode == 0
    assert frames_in("out.mp4") == 3


def test_films_that_begin_together_never_mix() -> None:
    film("long.mp4", 30)
    film("short.mp4", 3)
    with begun("swap", "long.mp4", "out.mp4") as one, begun("swap", "short.mp4", "out.mp4") as other:
        ends = [run.communicate(timeout=LONGEST_S)[1].decode() for run in (one, other)]
    assert 0 in {one.returncode, other.returncode}
    for run, said in zip((one, other), ends, strict=True):
        assert run.returncode == 0 or TOLD in said, said
    assert frames_in("out.mp4") in {30, 3}
    assert sorted(os.listdir()) == ["long.mp4", "out.mp4", "short.mp4"]  # noqa: PTH208


LIVE = ("run", "--camera", "synthetic", "--size", "320x180", "--fps", "10")


@pytest.mark.parametrize("second", ["run", "swap", "recover"])
def test_a_recording_that_lasts_is_nobody_elses(second: str) -> None:
    film("short.mp4", 3)
    with begun(*LIVE, "--sink", "file:out.mp4") as first:
        wait_for("out.mp4.part", first)
        words = {
            "run": (*LIVE, "--sink", "file:out.mp4", "--seconds", "2"),
            "swap": ("swap", "short.mp4", "out.mp4"),
            "recover": ("recover", "out.mp4.part"),
        }[second]
        refused = mien(*words)
        first.terminate()
        _, said = first.communicate(timeout=LONGEST_S)
    assert refused.returncode in {1, 2}
    assert TOLD in sentence_of(refused.stderr) or "grew a moment ago" in sentence_of(refused.stderr)
    assert first.returncode == 0, said.decode()
    assert frames_in("out.mp4") > 3
    assert sorted(os.listdir()) == ["out.mp4", "short.mp4"]  # noqa: PTH208


def test_a_folder_of_pictures_that_is_filled_is_nobody_elses() -> None:
    with begun(*LIVE, "--sink", "images:pictures") as first:
        wait_for("pictures/000000.png", first)
        refused = mien(*LIVE, "--sink", "images:pictures", "--seconds", "2")
        first.terminate()
        first.communicate(timeout=LONGEST_S)
    assert (refused.returncode, TOLD in refused.stderr.decode()) == (1, True)
    names = sorted(path.name for path in Path("pictures").iterdir())
    assert names == [f"{number:06}.png" for number in range(len(names))]
    assert all(cv2.imread(str(path)) is not None for path in Path("pictures").iterdir())


def test_two_outputs_of_one_run_may_not_be_the_same_file() -> None:
    done = mien(*LIVE, "--sink", "file:out.mp4", "--sink", "file:./out.mp4")
    assert done.returncode == 2
    assert "Two outputs" in sentence_of(done.stderr)
