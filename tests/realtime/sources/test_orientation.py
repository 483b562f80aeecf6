"""Display matrices, judged by FFmpeg's own player logic and by where each corner has to go."""

import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from numpy.typing import NDArray
from tests.realtime.media.display_matrix import RIGHT_ANGLES, set_display_matrix

from mien.media.video.upright import Orientation, orientation_of, upright_bgr
from mien.sources.backends.video import VideoSource

Matrix = tuple[float, float, float, float]


def without_symmetry(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """A ramp with one bright corner: no way to lay it down looks like another."""
    rows, columns = np.mgrid[0:height, 0:width]
    image = np.dstack([columns * 2, rows * 3, columns + rows]).astype(np.uint8)
    image[:12, :16] = 250
    return image


@pytest.fixture
def turned_clip(tmp_path: Path) -> Callable[[Matrix], Path]:
    def make(matrix: Matrix) -> Path:
        path = tmp_path / "in.mp4"
        with av.open(str(path), "w") as target:
            stream = target.add_stream("libx264", rate=25, options={"crf": "4"})
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
            for _ in range(3):
                target.mux(stream.encode(av.VideoFrame.from_ndarray(without_symmetry(), "bgr24")))
            target.mux(stream.encode(None))
        set_display_matrix(path, *matrix)
        return path

    return make


def first_frame(path: Path) -> av.VideoFrame:
    with av.open(str(path)) as video:
        return next(video.decode(video=0))


def shown_by_ffmpeg(path: Path, size: tuple[int, int]) -> NDArray[Any]:
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "bgr24", "-"]
    done = subprocess.run(command, check=True, capture_output=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(size[1], size[0], 3)


@pytest.mark.parametrize("matrix", RIGHT_ANGLES.values(), ids=RIGHT_ANGLES)
def test_every_pixel_goes_where_the_matrix_sends_it(turned_clip: Callable[[Matrix], Path], matrix: Matrix) -> None:
    frame = first_frame(turned_clip(matrix))
    shown = upright_bgr(frame, is_exact=True).astype(int)
    a, b, c, d = matrix
    stored = without_symmetry()
    width, height = (48, 64) if b else (64, 48)
    assert shown.shape == (height, width, 3)
    for row, column in ((0, 0), (5, 50), (40, 3), (47, 63)):
        x, y = a * column + c * row, b * column + d * row
        x, y = int(x + (width - 1) * (a + c < 0)), int(y + (height - 1) * (b + d < 0))
        assert np.abs(shown[y, x] - stored[row, column]).max() < 16


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("matrix", RIGHT_ANGLES.values(), ids=RIGHT_ANGLES)
def test_a_frame_is_shown_as_ffmpeg_shows_it(turned_clip: Callable[[Matrix], Path], matrix: Matrix) -> None:
    path = turned_clip(matrix)
    shown = upright_bgr(first_frame(path), is_exact=True)
    expected = shown_by_ffmpeg(path, (shown.shape[1], shown.shape[0]))
    assert np.abs(shown.astype(int) - expected).mean() < 2


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("angle_deg", [30, 137, 200, 359.3])
def test_an_odd_angle_is_shown_as_ffmpeg_shows_it(turned_clip: Callable[[Matrix], Path], angle_deg: float) -> None:
    cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    path = turned_clip((cos, sin, -sin, cos))
    shown = upright_bgr(first_frame(path), is_exact=True)
    assert shown.shape == (48, 64, 3)
    expected = shown_by_ffmpeg(path, (64, 48))
    difference = np.abs(shown.astype(int) - expected)[4:-4, 4:-4]
    assert np.median(difference) <= 2
    assert difference.mean() < 6


@pytest.mark.parametrize("matrix", [(0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 1.0), (2.0, 0.0, 0.0, 2.0)])
def test_a_matrix_that_says_nothing_of_one_picture_leaves_it_as_it_is(
    turned_clip: Callable[[Matrix], Path], matrix: Matrix
) -> None:
    assert orientation_of(first_frame(turned_clip(matrix))) == Orientation()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("clockwise_deg", [0.0, 45.0, 90.0, 180.0, 270.0])
def test_pictures_of_any_depth_and_channels_are_turned(channels: int, clockwise_deg: float) -> None:
    stored = np.arange(6 * 8 * channels, dtype=np.uint16).reshape(6, 8, channels)
    orientation = Orientation(is_mirrored=True, clockwise_deg=clockwise_deg)
    shown = orientation.turned(stored)
    assert shown.dtype == np.uint16
    assert shown.shape == (*orientation.size_of(8, 6)[::-1], channels)


@pytest.mark.parametrize("matrix", RIGHT_ANGLES.values(), ids=RIGHT_ANGLES)
def test_a_file_played_as_a_camera_is_upright(turned_clip: Callable[[Matrix], Path], matrix: Matrix) -> None:
    path = turned_clip(matrix)
    expected = upright_bgr(first_frame(path), is_exact=True)
    with VideoSource(path) as source:
        packet = source.read()
        assert (source.info.width, source.info.height) == (expected.shape[1], expected.shape[0])
    assert packet is not None
    assert np.abs(packet.image.astype(int) - expected).mean() < 4
