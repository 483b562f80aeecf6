"""The devices that the tests of this folder need, by what they are and not by their numbers."""

import os
import shutil
from pathlib import Path

import pytest
from tests.camera_vm.scene import Judge, write_clip, write_photo

from mien.config.process import prepare_opencv
from mien.media.devices.cameras import virtual_cameras

# Read by OpenCV once: a watcher whose camera falls silent asks again after 1 s.
prepare_opencv()


@pytest.fixture(scope="session")
def virtual_camera() -> str:
    """Give the path of the virtual camera that Mien writes to."""
    return _loopback("Mien")


@pytest.fixture(scope="session")
def webcam() -> str:
    """Give the path of a loopback device that a clip is fed to."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg, which plays a clip into a webcam")
    return _loopback("TestCam")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the clip that was written beforehand, or write it."""
    given = os.environ.get("CAMERA_VM_CLIP")
    if given is not None:
        return Path(given)
    path = tmp_path_factory.mktemp("clip") / "clip.mkv"
    write_clip(path)
    return path


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a photo of a face whose skin is blue."""
    path = tmp_path_factory.mktemp("photo") / "blue.png"
    write_photo(path)
    return path


@pytest.fixture(scope="session")
def judge(clip: Path) -> Judge:
    """Give who knows what a picture shows."""
    return Judge(clip)


def _loopback(name: str) -> str:
    for camera in virtual_cameras():
        if camera.name == name:
            return camera.path
    pytest.skip(f"no v4l2loopback device called {name}")
