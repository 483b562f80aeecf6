"""A film is what can be decoded: neither a cover nor a codec that nobody knows."""

from pathlib import Path

import av
import numpy as np
import pytest

from mien.pipeline.interfaces import SourceRequest
from mien.pipeline.offline import swap_file
from mien.sources.backends.url import PLUGIN as URL
from mien.sources.backends.video import PLUGIN as VIDEO
from mien_models.errors import SourceError


@pytest.fixture
def unknown(tmp_path: Path) -> Path:
    """Give an MP4 whose pictures are of a codec that does not exist."""
    path = tmp_path / "unknown.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(3):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "bgr24")))
        file.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    return path


def test_a_codec_that_nobody_knows_is_no_film_for_a_swap(unknown: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no video, only a video of an unknown kind"):
        swap_file(unknown, tmp_path / "out.mp4", ())


def test_nor_for_a_camera_that_plays_it(unknown: Path) -> None:
    with (
        pytest.raises(SourceError, match="no video, only a video of an unknown kind"),
        VIDEO.make(SourceRequest(str(unknown))),
    ):
        pass


def test_nor_for_one_that_streams_it(unknown: Path) -> None:
    with pytest.raises(SourceError, match="sends no video"), URL.make(SourceRequest(unknown.as_uri())):
        pass
