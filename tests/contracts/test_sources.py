"""What every source promises, over every file of `mien.sources`."""

import http.server
import itertools
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mien.media.devices.cameras import Camera
from mien.media.devices.modes import VideoMode
from mien.pipeline.frame import UNNUMBERED
from mien.pipeline.interfaces import Source, SourceRequest
from mien.sources.backends.camera import CameraSource
from mien.sources.registry import SOURCES, source_name
from mien_models.errors import SourceError
from mien_models.types import BgrU8

WIDTH, HEIGHT, FRAMES = 64, 48, 5


class SteadyCapture:
    """A camera that always has a frame."""

    def __init__(self) -> None:
        self.is_released = False

    @property
    def is_open(self) -> bool:
        return not self.is_released

    @property
    def granted(self) -> VideoMode:
        return VideoMode("YUYV", WIDTH, HEIGHT, Fraction(30))

    def grab(self) -> bool:
        return True

    def picture(self) -> BgrU8 | None:
        return np.full((HEIGHT, WIDTH, 3), 90, np.uint8)

    def release(self) -> None:
        self.is_released = True


CAMERA = Camera("Test Camera", 0, "/dev/v4l/by-id/usb-test", "/dev/video0", "046d:0825", 0, 200)


def a_camera(_folder: Path) -> Source:
    return CameraSource(
        SourceRequest("0"),
        list_cameras=lambda: (CAMERA,),
        list_modes=lambda _camera: (VideoMode("YUYV", WIDTH, HEIGHT, Fraction(30)),),
        opener=lambda _camera, _mode: SteadyCapture(),
    )


def a_video(folder: Path) -> Source:
    path = folder / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = WIDTH, HEIGHT
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 3), number * 40, np.uint8), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return SOURCES.load("video").make(SourceRequest(str(path)))


def a_folder(folder: Path) -> Source:
    for number in range(FRAMES):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((HEIGHT, WIDTH, 3), number * 40, np.uint8))
    return SOURCES.load("images").make(SourceRequest(str(folder)))


class MjpegHandler(http.server.BaseHTTPRequestHandler):
    """Sends JPEG after JPEG as telephones' camera apps do, until the other side hangs up."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name is the base class's
        pass

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            for number in itertools.count():
                jpeg = cv2.imencode(".jpg", np.full((HEIGHT, WIDTH, 3), number % 256, np.uint8))[1].tobytes()
                head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                self.wfile.write(head + jpeg + b"\r\n")
        except OSError:
            self.close_connection = True


@contextmanager
def mjpeg_server() -> Generator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), MjpegHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/video"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def a_synthetic_camera(_folder: Path) -> Source:
    return SOURCES.load("synthetic").make(SourceRequest("synthetic", width=320, height=180))


MAKERS: dict[str, Callable[[Path], Source]] = {
    "camera": a_camera,
    "images": a_folder,
    "synthetic": a_synthetic_camera,
    "video": a_video,
}


@pytest.fixture(params=SOURCES.names())
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Source]:
    name: str = request.param
    if name == "url":
        with mjpeg_server() as url:
            yield SOURCES.load("url").make(SourceRequest(url))
        return
    assert name in MAKERS, f"say in MAKERS how a test makes a source of mien.sources.{name}"
    yield MAKERS[name](tmp_path)


def test_numbering_is_left_to_whoever_runs_it_and_time_runs_forwards(source: Source) -> None:
    with source:
        frames = [frame for _ in range(3) if (frame := source.read()) is not None]
    assert [frame.index for frame in frames] == [UNNUMBERED] * 3
    times = [frame.captured_ns for frame in frames]
    assert times == sorted(times)
    assert times[0] >= 0


def test_the_size_that_is_said_is_that_of_the_first_frame(source: Source) -> None:
    with source:
        first = source.read()
        assert first is not None
        assert (source.info.width, source.info.height) == (first.image.shape[1], first.image.shape[0])
        assert source.info.description


def test_a_source_that_says_how_many_frames_it_has_gives_as_many_and_then_none(source: Source) -> None:
    with source:
        count = source.info.frame_count
        if count is None:
            return
        frames = [source.read() for _ in range(count)]
        assert all(frame is not None for frame in frames)
        assert source.read() is None
        assert source.read() is None


def test_a_live_source_never_says_that_it_ends(source: Source) -> None:
    with source:
        if source.info.is_live:
            assert source.info.frame_count is None


def test_a_source_can_be_entered_again_and_starts_anew(source: Source) -> None:
    firsts: list[BgrU8] = []
    for _ in range(2):
        with source:
            frame = source.read()
            assert frame is not None
            firsts.append(frame.image)
    np.testing.assert_array_equal(firsts[0], firsts[1])


def test_frames_are_arrays_of_their_own(source: Source) -> None:
    with source:
        one, two = source.read(), source.read()
    assert one is not None
    assert two is not None
    assert not np.shares_memory(one.image, two.image)


def test_leaving_a_source_that_was_never_entered_is_harmless(source: Source) -> None:
    source.__exit__(None, None, None)


@pytest.mark.parametrize("name", [n for n in SOURCES.names() if n not in {"camera", "synthetic", "url"}])
def test_an_address_that_is_not_there_is_one_clear_sentence(name: str, tmp_path: Path) -> None:
    source = SOURCES.load(name).make(SourceRequest(str(tmp_path / "nothing here.xyz")))
    with pytest.raises(SourceError, match=r"nothing here\.xyz"), source:
        pass


def test_every_kind_of_address_has_its_plug_in(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.touch()
    addresses = ("0", "synthetic", "rtsp://phone/live", str(tmp_path), str(clip))
    assert {source_name(address) for address in addresses} == set(SOURCES.names())
