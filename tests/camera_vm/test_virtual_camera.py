"""The virtual camera on a kernel that has v4l2loopback: what other programs see of it."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Self

import cv2
import numpy as np
import pytest

from mien.media.devices import v4l2
from mien.media.devices.cameras import virtual_cameras
from mien.pipeline.frame import OutputFormat, OutputFrame, State
from mien.provenance.release import ReleasedPicture
from mien.sinks.backends.virtualcam import VirtualCameraSink
from mien_models.errors import SinkError

pytestmark = [pytest.mark.camera, pytest.mark.usefixtures("virtual_camera")]
FORMAT = OutputFormat(320, 180, Fraction(15))
COLOURS_BGR = [(40, 40, 200), (60, 180, 60), (200, 90, 30), (235, 235, 235)]
WRITER = """
import sys, time
from fractions import Fraction
import numpy as np
from mien.pipeline.frame import OutputFormat
from mien.provenance.release import ReleasedPicture
from mien.pipeline.frame import OutputFrame, State
from mien.sinks.backends.virtualcam import VirtualCameraSink
with VirtualCameraSink("Mien", OutputFormat(320, 180, Fraction(15))) as sink:
    while True:
        sink.write(OutputFrame(ReleasedPicture.unswapped(np.zeros((180, 320, 3), np.uint8)), 0, 0, State.LIVE))
        print("written", flush=True)
        time.sleep(0.05)
"""


class Show:
    """Writes a picture again and again, in a thread, as a live run does."""

    def __init__(self, image: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        self.image = image
        self._stop = threading.Event()
        self._written = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._written.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with VirtualCameraSink("Mien", FORMAT) as sink:
            while not self._stop.wait(0.05):
                sink.write(OutputFrame(ReleasedPicture.unswapped(self.image), 0, 0, State.LIVE))
                self._written.set()


def stripes() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.repeat(np.array(COLOURS_BGR, np.uint8), 80, axis=0)[np.newaxis].repeat(180, axis=0)


def flat(level: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.full((180, 320, 3), level, np.uint8)


def number() -> int:
    return next(int(camera.path.removeprefix("/dev/video")) for camera in virtual_cameras() if camera.name == "Mien")


@pytest.fixture
def reader() -> Iterator[cv2.VideoCapture]:
    capture = cv2.VideoCapture()
    yield capture
    capture.release()


def assert_stripes(seen: np.ndarray[Any, Any]) -> None:
    assert seen.shape == (180, 320, 3)
    middles = seen[90, 40::80].astype(int)
    assert np.abs(middles - COLOURS_BGR).max() <= 4


def test_a_reader_that_comes_late_sees_size_and_colours(reader: cv2.VideoCapture) -> None:
    with Show(stripes()):
        time.sleep(1)
        assert reader.open(number(), cv2.CAP_V4L2)
        is_read, seen = reader.read()
        assert is_read
        assert_stripes(seen)


def test_ffmpeg_sees_the_same(virtual_camera: str) -> None:
    command = ["ffmpeg", "-v", "error", "-f", "v4l2", "-i", virtual_camera, "-frames:v", "1", "-pix_fmt", "bgr24"]
    with Show(stripes()):
        done = subprocess.run([*command, "-f", "rawvideo", "-"], capture_output=True, check=True)
    assert_stripes(np.frombuffer(done.stdout, np.uint8).reshape(180, 320, 3))


def test_a_reader_that_stays_sees_the_restarted_program(reader: cv2.VideoCapture) -> None:
    with Show(flat(60)):
        assert reader.open(number(), cv2.CAP_V4L2)
        assert reader.read()[0]
    with Show(flat(180)):
        seen = [int(reader.read()[1][90, 160, 0]) for _ in range(6)]
    assert abs(seen[-1] - 180) <= 3


def test_a_reader_that_leaves_disturbs_nobody(reader: cv2.VideoCapture) -> None:
    with Show(flat(60)) as show:
        for level in (60, 180):
            show.image = flat(level)
            assert reader.open(number(), cv2.CAP_V4L2)
            seen = [int(reader.read()[1][90, 160, 0]) for _ in range(6)]
            reader.release()
            assert abs(seen[-1] - level) <= 3


def test_it_can_be_opened_again_and_again_and_is_an_output_after_each(virtual_camera: str) -> None:
    for _ in range(3):
        with VirtualCameraSink("Mien", FORMAT) as sink:
            sink.write(OutputFrame(ReleasedPicture.unswapped(flat(0)), 0, 0, State.LIVE))
            assert v4l2.Capability.CAPTURE in v4l2.report(virtual_camera).capabilities
        assert v4l2.Capability.OUTPUT in v4l2.report(virtual_camera).capabilities


def test_a_second_mien_gets_one_sentence_and_a_killed_one_leaves_the_camera_free() -> None:
    first = subprocess.Popen([sys.executable, "-c", WRITER], stdout=subprocess.PIPE)
    assert first.stdout is not None
    assert first.stdout.readline() == b"written\n"
    try:
        with pytest.raises(SinkError, match="another Mien writes to it"):
            VirtualCameraSink("Mien", FORMAT).__enter__()
    finally:
        first.kill()
        first.wait()
        first.stdout.close()
    with VirtualCameraSink("Mien", FORMAT) as sink:
        sink.write(OutputFrame(ReleasedPicture.unswapped(flat(0)), 0, 0, State.LIVE))


def test_another_program_that_writes_is_left_alone(virtual_camera: str) -> None:
    source = ["-re", "-f", "lavfi", "-i", "testsrc=s=320x180:r=10"]
    writer = subprocess.Popen(["ffmpeg", "-v", "error", *source, "-f", "v4l2", "-pix_fmt", "yuv420p", virtual_camera])
    try:
        deadline_s = time.monotonic() + 60
        while v4l2.Capability.CAPTURE not in v4l2.report(virtual_camera).capabilities and time.monotonic() < deadline_s:
            time.sleep(0.2)
        with pytest.raises(SinkError, match="another program writes to it"):
            VirtualCameraSink(virtual_camera, FORMAT).__enter__()
    finally:
        writer.kill()
        writer.wait()
    with VirtualCameraSink("Mien", FORMAT):
        pass
