"""An unfinished recording whose own words are damaged gives what is whole of it, or one sentence."""

import os
from pathlib import Path

import av
import numpy as np
import pytest

from mien.sinks.recorded_file import recover
from mien_models.errors import SourceError

FRAMES = 40
FRAMES_IN_A_FRAGMENT = 8


@pytest.fixture
def growing(tmp_path: Path) -> bytes:
    """Give a recording as it is while it lasts: five fragments, each with its own index."""
    path = tmp_path / "growing.mp4"
    with av.open(str(path), "w", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}) as file:
        file.metadata["comment"] = "session 12ab34"
        stream = file.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = FRAMES_IN_A_FRAGMENT, 0
        for index in range(FRAMES):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), index * 5, np.uint8), "bgr24")))
        file.mux(stream.encode(None))
    return path.read_bytes()


def recovered(content: bytes, folder: Path) -> int:
    part = folder / "call.mp4.part"
    part.write_bytes(content)
    os.utime(part, (1e9, 1e9))
    whole, frames = recover(part)
    with av.open(str(whole)) as video:
        assert sum(1 for _ in video.decode(video=0)) == frames
    return frames


def test_a_comment_that_is_no_text_costs_nothing_but_itself(growing: bytes, tmp_path: Path) -> None:
    assert recovered(growing.replace(b"session 12ab34", b"session \xc9\xff\xfe\xc9ab"), tmp_path) == FRAMES


def test_times_that_go_back_end_what_is_recovered(growing: bytes, tmp_path: Path) -> None:
    damaged, at = bytearray(growing), 0
    for _ in range(3):
        at = damaged.find(b"tfdt", at + 1)  # the time at which the third fragment begins
    damaged[at + 8 : at + 16] = bytes(8)
    assert recovered(bytes(damaged), tmp_path) == 2 * FRAMES_IN_A_FRAGMENT


def test_a_codec_that_nobody_knows_is_one_sentence(growing: bytes, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No frame can be found"):
        recovered(growing.replace(b"avc1", b"zzzz"), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["call.mp4.part", "growing.mp4"]
