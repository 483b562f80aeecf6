"""`mien run` between a webcam with a face and a virtual camera that somebody watches; one story, told in order."""

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.camera_vm.rig import Feed, Mien, Watcher, wait_until
from tests.camera_vm.scene import HEIGHT, WIDTH, Judge, Kind

pytestmark = pytest.mark.camera


@dataclass(slots=True)
class Stage:
    """Everybody who plays."""

    feed: Feed
    watcher: Watcher
    words: tuple[str, ...]
    """How `mien run` is called."""


@pytest.fixture(scope="module")
def stage(webcam: str, virtual_camera: str, clip: Path, photo: Path, judge: Judge) -> Iterator[Stage]:
    words = ("--face", str(photo), "--consent", "public-domain", "--colour", "none", "--fps", "5")
    places = ("--camera", webcam, "--sink", f"virtualcam:{virtual_camera}", "--size", f"{WIDTH}x{HEIGHT}")
    with Feed(clip, webcam) as feed, Watcher(virtual_camera, judge) as watcher:
        yield Stage(feed, watcher, (*words, *places))


@pytest.fixture(scope="module")
def mien(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mien]:
    """Give the run that lasts for most of the story."""
    with Mien.run(tmp_path_factory.mktemp("first"), *stage.words) as running:
        yield running


def assert_no_real_face(kinds: list[Kind]) -> None:
    assert set(kinds) <= {kind for kind in Kind if kind.is_card} | {Kind.FADING, Kind.SWAPPED}


def test_ctrl_c_ends_it_with_a_report_before_a_face_was_swapped(stage: Stage, tmp_path: Path) -> None:
    with Mien.run(tmp_path, *stage.words) as begun:
        stage.watcher.wait_for(Kind.STARTING)
        assert begun.end(signal.SIGINT) == 0, begun.said
    assert begun.report["frames_swapped"] == 0
    assert set(stage.watcher.kinds) <= {Kind.STARTING, Kind.CAMERA}


def test_who_stays_sees_the_restarted_program_first_a_card_and_then_the_swapped_face(stage: Stage, mien: Mien) -> None:
    begin = len(stage.watcher.kinds)
    stage.watcher.wait_for(Kind.STARTING)
    stage.watcher.wait_for(Kind.SWAPPED)
    before = stage.watcher.kinds[begin : stage.watcher.kinds.index(Kind.SWAPPED)]
    assert all(kind.is_card or kind is Kind.FADING for kind in before), mien.said
    assert_no_real_face(stage.watcher.kinds)


def test_ffmpeg_sees_the_same_size_colours_and_face(
    stage: Stage, mien: Mien, judge: Judge, virtual_camera: str
) -> None:
    command = ["ffmpeg", "-v", "error", "-nostdin", "-f", "v4l2", "-i", virtual_camera, "-frames:v", "3"]
    done = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "bgr24", "-"], capture_output=True, check=True)
    pictures = np.frombuffer(done.stdout, np.uint8).reshape(3, HEIGHT, WIDTH, 3)
    assert Kind.SWAPPED in {judge.kind(picture) for picture in pictures}, mien.said


def test_a_reader_that_leaves_and_comes_back_late_sees_the_swapped_face(stage: Stage, mien: Mien) -> None:
    stage.watcher.leave()
    stage.watcher.come()
    stage.watcher.wait_for(Kind.SWAPPED)
    assert mien.is_running


def test_a_second_mien_says_one_sentence_and_disturbs_nobody(stage: Stage, mien: Mien, tmp_path: Path) -> None:
    with Mien.run(tmp_path, *stage.words) as second:
        assert second.wait() == 1
        sentences = [line for line in second.said.splitlines() if "virtual camera" in line]
    assert len(sentences) == 1, second.said
    assert "another Mien writes to it" in sentences[0]
    assert "Traceback" not in second.said
    stage.watcher.wait_for(Kind.SWAPPED)
    assert mien.is_running


def test_a_webcam_that_hangs_is_a_card_until_it_goes_on(stage: Stage, mien: Mien) -> None:
    stage.watcher.wait_for(Kind.SWAPPED)
    stage.feed.hang()
    stage.watcher.wait_for(Kind.CAMERA)
    stage.feed.go_on()
    stage.watcher.wait_for(Kind.SWAPPED)
    assert mien.is_running


def test_a_webcam_that_is_gone_is_a_card_until_it_is_back(stage: Stage, mien: Mien) -> None:
    stage.watcher.wait_for(Kind.SWAPPED)
    stage.feed.unplug()
    stage.watcher.wait_for(Kind.CAMERA)
    gone = len(stage.watcher.kinds)
    # Long enough to be asked for again several times: what the device still holds of before is no return.
    wait_until(lambda: len(stage.watcher.kinds) > gone + 15, "pictures go on")
    assert set(stage.watcher.kinds[gone:]) == {Kind.CAMERA}, mien.said
    stage.feed.plug_in()
    stage.watcher.wait_for(Kind.SWAPPED)
    assert mien.is_running


def test_sigterm_ends_it_with_a_report_of_all_that(stage: Stage, mien: Mien) -> None:
    assert mien.end(signal.SIGTERM) == 0, mien.said
    report = mien.report
    states = [change["state"] for change in report["state_changes"]]
    assert states[0] == "lost"
    assert states.count("fault") >= 2
    assert states.count("live") >= 3
    assert report["frames_in"] + report["repeated"] == report["frames_out"] + report["dropped"]
    assert report["frames_swapped"] > 0
    assert_no_real_face(stage.watcher.kinds)
