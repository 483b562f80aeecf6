"""A webcam of the kernel's own test driver, which can be unplugged while it is read, and what `mien` says of it."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.camera_vm.rig import Mien, Watcher, wait_until
from tests.camera_vm.scene import HEIGHT, WIDTH, Judge, Kind

from mien.media.devices import v4l2
from mien.media.devices.cameras import cameras

pytestmark = pytest.mark.camera


@pytest.fixture(scope="module")
def vivid() -> str:
    """Give the path of the test driver's webcam."""
    for camera in cameras():
        if v4l2.report(camera.path).driver == "vivid":
            return camera.path
    pytest.skip("no webcam of the driver vivid")


@pytest.fixture
def watcher(virtual_camera: str, judge: Judge) -> Iterator[Watcher]:
    with Watcher(virtual_camera, judge) as watching:
        yield watching


def control(device: str, name: str, value: int) -> None:
    subprocess.run(["v4l2-ctl", "-d", device, "-c", f"{name}={value}"], check=True)


def test_a_webcam_that_is_unplugged_is_a_card_and_no_end(
    watcher: Watcher, vivid: str, virtual_camera: str, photo: Path, tmp_path: Path
) -> None:
    words = ("--face", str(photo), "--consent", "public-domain", "--size", f"{WIDTH}x{HEIGHT}", "--fps", "5")
    with Mien.run(tmp_path, *words, "--camera", vivid, "--sink", f"virtualcam:{virtual_camera}") as mien:
        wait_until(lambda: "Source: vivid" in mien.said, "the webcam is open")
        control(vivid, "disconnect", 1)
        watcher.wait_for(Kind.CAMERA)
        # The networks need not be loaded yet: both cards say that all is well and no face is swapped.
        watcher.wait_for(Kind.STARTING, Kind.NO_FACE)
        assert mien.end(signal.SIGTERM) == 0, mien.said
    states = [change["state"] for change in mien.report["state_changes"]]
    assert {"lost", "fault"} == set(states)
    assert states.index("fault") < len(states) - 1
    assert all(kind.is_card for kind in watcher.kinds)


def test_devices_lists_the_webcam_with_its_formats_and_not_our_own_output(
    vivid: str, virtual_camera: str, tmp_path: Path
) -> None:
    with Mien(["devices", "--json"], tmp_path) as mien:
        assert mien.wait() == 0, mien.said
    listed = json.loads(mien.printed)
    found = {camera["path"]: camera for camera in listed["cameras"]}
    assert virtual_camera not in found
    assert found[vivid]["is_default"]
    assert {mode["format"] for mode in found[vivid]["modes"]} >= {"YUYV", "NV12"}
    assert virtual_camera in {device["path"] for device in listed["virtual_cameras"]}


def test_doctor_finds_webcam_and_virtual_camera(vivid: str, virtual_camera: str, tmp_path: Path) -> None:
    assert vivid
    with Mien(["doctor", "--json"], tmp_path) as mien:
        assert mien.wait() == 0, mien.said
    checks = {check["name"]: check for check in json.loads(mien.printed)["checks"]}
    assert checks["camera"]["verdict"] == "ok"
    assert "vivid" in checks["camera"]["found"]
    assert checks["virtual camera"]["verdict"] == "ok"
    assert f"{virtual_camera} Mien (free)" in checks["virtual camera"]["found"]
