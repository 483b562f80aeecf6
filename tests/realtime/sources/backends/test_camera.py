"""One camera through a fake driver: what is asked, what is granted, and what is said when nothing comes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest

from mien.media.devices.cameras import Camera
from mien.media.devices.modes import VideoMode
from mien.pipeline.interfaces import SourceRequest
from mien.sources.backends.camera import CameraSource
from mien_models.errors import SourceError
from mien_models.types import BgrU8

WEBCAM = Camera("Webcam", 0, "/dev/v4l/by-id/usb-webcam", "/dev/video0", "046d:0825", 0, 200)
MODES = (VideoMode("YUYV", 1280, 720, Fraction(10)), VideoMode("MJPG", 1280, 720, Fraction(30)))


GRANTED = VideoMode("YUYV", 640, 480, Fraction(30))


def nine_frames() -> list[bool | None]:
    return [True] * 9


@dataclass
class FakeDriver:
    """Grabs as `script` says: True a frame, None a torn one, False none; each takes `block_s`; then for ever False."""

    script: list[bool | None] = field(default_factory=nine_frames)
    is_open: bool = True
    granted: VideoMode = GRANTED
    block_s: float = 0.0
    now_ns: int = 0
    asked: list[VideoMode] = field(default_factory=list[VideoMode])
    is_released: bool = False
    current: bool | None = None

    def open(self, _camera: Camera, mode: VideoMode) -> "FakeDriver":
        self.asked.append(mode)
        return self

    def clock(self) -> int:
        return self.now_ns

    def pause(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)

    def grab(self) -> bool:
        self.pause(self.block_s)
        self.current = self.script.pop(0) if self.script else False
        return self.current is not False

    def picture(self) -> BgrU8 | None:
        self.pause(0.005)
        return np.zeros((480, 640, 3), np.uint8) if self.current else None

    def release(self) -> None:
        self.is_released = True


def source_of(driver: FakeDriver, modes: Sequence[VideoMode] = MODES, camera: Camera = WEBCAM) -> CameraSource:
    return CameraSource(
        SourceRequest("0"),
        list_cameras=lambda: (camera,),
        list_modes=lambda _camera: modes,
        opener=driver.open,
        clock_ns=driver.clock,
        pause=driver.pause,
    )


def test_the_fast_format_is_asked_for_and_what_was_granted_is_said() -> None:
    driver = FakeDriver()
    with source_of(driver) as source:
        assert driver.asked == [MODES[1]]
        assert source.info.description == "Webcam (/dev/video0), YUYV 640x480 at 30 fps"
        assert (source.info.width, source.info.height, source.info.fps) == (640, 480, Fraction(30))
        assert source.info.address == WEBCAM.address
    assert driver.is_released


def test_a_camera_that_lists_nothing_is_asked_for_720p_mjpg_at_60() -> None:
    driver = FakeDriver()
    with source_of(driver, modes=()):
        assert driver.asked == [VideoMode("MJPG", 1280, 720, Fraction(60))]


def test_a_frame_is_stamped_when_it_was_grabbed_not_when_it_was_decoded() -> None:
    driver = FakeDriver(block_s=0.03)
    with source_of(driver) as source:
        frame = source.read()
    assert frame is not None
    assert frame.captured_ns == 30_000_000


def test_a_damaged_frame_or_two_is_no_loss() -> None:
    driver = FakeDriver([True, None, None, True])
    with source_of(driver) as source:
        assert None not in (source.read(), source.read())


@pytest.mark.parametrize("block_s", [0.0, 1.0])
def test_a_camera_that_is_gone_is_said_within_two_seconds(block_s: float) -> None:
    driver = FakeDriver([True])
    with source_of(driver) as source:
        source.read()
        driver.block_s, before_ns = block_s, driver.now_ns
        with pytest.raises(SourceError, match="gives no more frames"):
            source.read()
        assert driver.now_ns - before_ns <= 2_000_000_000


def test_a_camera_that_wakes_slowly_is_waited_for() -> None:
    driver = FakeDriver([*[False] * 100, *nine_frames()])
    with source_of(driver) as source:
        assert source.read() is not None


def test_a_camera_that_never_wakes_is_an_error_and_is_released() -> None:
    driver = FakeDriver([], block_s=1.0)
    with pytest.raises(SourceError, match=r"Webcam \(/dev/video0\) was opened and gives no frame"):
        source_of(driver).__enter__()
    assert driver.is_released
    assert driver.now_ns <= 8_000_000_000


def test_a_camera_in_use_says_what_to_do() -> None:
    driver = FakeDriver(is_open=False)
    with pytest.raises(SourceError, match=r"cannot be opened\. Close the program that uses it"):
        source_of(driver).__enter__()


def test_a_virtual_camera_that_nobody_feeds_says_so() -> None:
    loopback = Camera("OBS", 0, "/dev/video2", "/dev/video2", None, 2, 200, is_virtual=True)
    with pytest.raises(SourceError, match="no program sends pictures"):
        source_of(FakeDriver(is_open=False), camera=loopback).__enter__()


def test_a_camera_that_may_not_be_opened_names_the_group() -> None:
    locked = Camera("Locked", 0, "/dev/video0", "/dev/video0", None, 0, 200, is_denied=True)
    with pytest.raises(SourceError, match="usermod -aG video"):
        source_of(FakeDriver(), camera=locked).__enter__()
