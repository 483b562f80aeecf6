"""Interlaced video becomes whole pictures, as many as there were, judged by FFmpeg's own bwdif and by their combs."""

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import pytest
from av.filter import Graph
from av.video.stream import VideoStream
from numpy.typing import NDArray
from tests.realtime.media.display_matrix import set_display_matrix

from mien.media.video.deinterlacing import deinterlaced
from mien.media.video.upright import orientation_of
from mien.pipeline.offline import swap_file
from mien.sources.backends.video import VideoSource

Order = Literal["tff", "bff", "progressive"]
SIZE = (96, 64)


def field_picture(moment: int) -> NDArray[np.uint8]:
    """A bar that moves six pixels a field."""
    image = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)
    image[:, 6 * moment % 80 : 6 * moment % 80 + 12] = 220
    return image


def interleaved(index: int, order: Order) -> NDArray[np.uint8]:
    """Two moments in one frame, the earlier one in the field that is shown first."""
    if order == "progressive":
        return field_picture(2 * index)
    image = field_picture(2 * index)
    later = slice(1, None, 2) if order == "tff" else slice(0, None, 2)
    image[later] = field_picture(2 * index + 1)[later]
    return image


def write_clip(path: Path, orders: list[Order], codec: str = "libx264") -> Path:
    """Write a clip whose frames are coded as their order says."""
    order = orders[0]
    with av.open(str(path), "w") as target:
        stream = target.add_stream(codec, rate=25, options=_options(codec, order))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "rgb24" if codec == "qtrle" else "yuv420p"
        if order != "progressive":
            stream.codec_context.field_order = 2 if order == "tff" else 3
        flags = _flags(order, stream.pix_fmt)
        for index, kind in enumerate(orders):
            frame = av.VideoFrame.from_ndarray(interleaved(index, kind), "bgr24").reformat(format=stream.pix_fmt)
            flags.push(frame)
            frame = flags.vpull()
            frame.pts, frame.time_base = index, Fraction(1, 25)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def _options(codec: str, order: Order) -> dict[str, str]:
    if codec != "libx264":
        return {}
    return {"crf": "8"} if order == "progressive" else {"crf": "8", "x264-params": f"{order}=1"}


def _flags(order: Order, pix_fmt: str) -> Graph:
    """What encoders read of a frame, and PyAV does not let one write."""
    graph = Graph()
    size = f"video_size={SIZE[0]}x{SIZE[1]}:pix_fmt={pix_fmt}:time_base=1/25"
    mode = graph.add("setfield", "prog" if order == "progressive" else order)
    graph.link_nodes(graph.add("buffer", size), mode, graph.add("buffersink")).configure()
    return graph


def comb(image: NDArray[Any]) -> float:
    """How much lines differ from both their neighbours; near zero for whole pictures of upright bars."""
    grey = image.astype(float).mean(axis=2)
    return float(np.abs(2 * grey[1:-1] - grey[:-2] - grey[2:]).mean())


def swapped_frames(path: Path) -> list[NDArray[Any]]:
    with av.open(str(path)) as video:
        return [frame.to_ndarray(format="bgr24") for frame in video.decode(video=0)]


@pytest.mark.parametrize("order", ["tff", "bff"])
def test_an_interlaced_film_is_written_whole_and_it_is_said(tmp_path: Path, order: Order) -> None:
    source = write_clip(tmp_path / "in.mp4", [order] * 12)
    assert comb(swapped_frames(source)[5]) > 10
    result = swap_file(source, tmp_path / "out.mp4", [])
    pictures = swapped_frames(tmp_path / "out.mp4")
    assert len(pictures) == result.frames_written == 12
    assert max(comb(picture) for picture in pictures) < 2
    for index, picture in enumerate(pictures):
        assert np.abs(picture.astype(int) - field_picture(2 * index)).mean() < 4
    assert sum("is interlaced" in note for note in result.notes) == 1
    with av.open(str(tmp_path / "out.mp4")) as video:
        assert not any(frame.interlaced_frame for frame in video.decode(video=0))


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("order", ["tff", "bff"])
def test_fields_are_woven_as_ffmpeg_weaves_them(tmp_path: Path, order: Order) -> None:
    source = write_clip(tmp_path / "in.mp4", [order] * 8)
    command = ["ffmpeg", "-v", "error", "-i", str(source), "-vf", "bwdif=mode=send_frame", "-f", "rawvideo"]
    done = subprocess.run([*command, "-pix_fmt", "gray", "-"], check=True, capture_output=True)
    expected = np.frombuffer(done.stdout, np.uint8).reshape(-1, SIZE[1], SIZE[0])
    with av.open(str(source)) as video:
        stream = video.streams.video[0]
        found = [frame.to_ndarray(format="gray") for frame in deinterlaced(video.decode(stream), stream)]
    assert len(found) == len(expected) == 8
    # Of the first frame there is none before, which versions of FFmpeg make up differently.
    assert max(np.abs(one.astype(int) - other).max() for one, other in zip(found[1:], expected[1:], strict=True)) <= 2


def test_a_progressive_film_is_not_touched_and_nothing_is_said(tmp_path: Path) -> None:
    result = swap_file(write_clip(tmp_path / "in.mp4", ["progressive"] * 6), tmp_path / "out.mp4", [])
    assert result.notes == ()


def test_times_and_order_are_kept_where_fields_begin_midway(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mp4", ["progressive"] * 5)
    woven = write_clip(tmp_path / "woven.mp4", ["tff"] * 5)
    with av.open(str(whole)) as first, av.open(str(woven)) as second:
        frames = [*first.decode(video=0), *second.decode(video=0)]
        for index, frame in enumerate(frames):
            frame.pts = 100 + 7 * index
        said: list[int] = []
        found = list(deinterlaced(iter(frames), first.streams.video[0], lambda: said.append(1)))
    assert [frame.pts for frame in found] == [100 + 7 * index for index in range(10)]
    assert said == [1]
    assert max(comb(frame.to_ndarray(format="bgr24")) for frame in found) < 2


def test_a_codec_without_a_flag_is_believed_what_its_container_says(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mov", ["bff"] * 6, "qtrle")
    result = swap_file(source, tmp_path / "out.mp4", [])
    assert any("is interlaced" in note for note in result.notes)
    assert max(comb(picture) for picture in swapped_frames(tmp_path / "out.mp4")) < 2


def test_a_mirrored_interlaced_film_is_woven_and_mirrored(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", ["tff"] * 6)
    set_display_matrix(source, -1, 0, 0, 1)
    swap_file(source, tmp_path / "out.mp4", [])
    with av.open(str(tmp_path / "out.mp4")) as video:
        assert orientation_of(next(video.decode(video=0))).is_upright
    for index, picture in enumerate(swapped_frames(tmp_path / "out.mp4")):
        assert np.abs(picture.astype(int) - field_picture(2 * index)[:, ::-1]).mean() < 4


def test_a_file_played_as_a_camera_is_woven_too(tmp_path: Path) -> None:
    with VideoSource(write_clip(tmp_path / "in.mp4", ["tff"] * 8)) as source:
        packets = list(iter(source.read, None))
    assert [round(packet.captured_ns / 40_000_000) for packet in packets] == list(range(8))
    assert max(comb(packet.image) for packet in packets) < 2
