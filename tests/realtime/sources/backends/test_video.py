"""Video files as people have them: cut off, turned, odd, of varying rate and size, or no video at all."""

import logging
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from mien.pipeline.frame import Frame
from mien.sources.backends.video import VideoSource
from mien_models.errors import SourceError

FRAMES = 20


def write_clip(
    path: Path,
    *,
    size: tuple[int, int] = (64, 48),
    times: tuple[int, ...] = tuple(range(FRAMES)),
    codec: str = "mpeg4",
    pix_fmt: str = "yuv420p",
    colour_bgr: tuple[int, int, int] | None = None,
) -> Path:
    """Write a clip in which each frame is brighter than the one before, or all have one colour."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.codec_context.time_base = Fraction(1, 25)
        stream.codec_context.gop_size = 1
        for number, time in enumerate(times):
            picture = np.full((size[1], size[0], 3), number * 10, np.uint8)
            picture[:] = colour_bgr or picture
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = time, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def frames_of(path: Path) -> list[Frame]:
    with VideoSource(path) as source:
        return list(iter(source.read, None))


def test_every_frame_comes_once_and_in_order(tmp_path: Path) -> None:
    frames = frames_of(write_clip(tmp_path / "Ünï cödé 名前.mp4"))
    assert len(frames) == FRAMES
    levels = [float(frame.image.mean()) for frame in frames]
    assert levels == sorted(levels)
    assert levels[-1] > 150


def test_times_are_those_of_the_file_where_the_rate_varies(tmp_path: Path) -> None:
    times = (0, 1, 2, 10, 11, 30)
    frames = frames_of(write_clip(tmp_path / "clip.mp4", times=times))
    assert [round(frame.captured_ns / 40_000_000) for frame in frames] == list(times)


def test_odd_sizes_stay_odd(tmp_path: Path) -> None:
    frames = frames_of(write_clip(tmp_path / "odd.mkv", size=(63, 47), codec="ffv1", pix_fmt="yuv444p"))
    assert {frame.image.shape for frame in frames} == {(47, 63, 3)}


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p16le", "bgr0"])
def test_colours_are_right_in_every_depth_and_layout(tmp_path: Path, pix_fmt: str) -> None:
    colour = (40, 90, 200)
    frames = frames_of(write_clip(tmp_path / "red.mkv", codec="ffv1", pix_fmt=pix_fmt, colour_bgr=colour))
    assert np.abs(frames[0].image.reshape(-1, 3).mean(axis=0) - colour).max() <= 3


def test_a_file_that_is_cut_off_gives_what_it_has_and_says_how_much(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = write_clip(tmp_path / "whole.avi")
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    with caplog.at_level(logging.WARNING):
        frames = frames_of(cut)
    assert 0 < len(frames) < FRAMES
    assert f"{len(frames)} of {FRAMES} frames" in caplog.text
    assert "cut off or damaged" in caplog.text


def test_a_whole_file_is_not_said_to_be_damaged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.mp4", "a.mkv", "a.avi"):
        assert len(frames_of(write_clip(tmp_path / name))) == FRAMES
    assert not caplog.records


def test_a_size_that_changes_midway_is_kept_frame_by_frame(tmp_path: Path) -> None:
    one = write_clip(tmp_path / "one.ts", codec="mpeg2video")
    two = write_clip(tmp_path / "two.ts", codec="mpeg2video", size=(96, 80))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(one.read_bytes() + two.read_bytes())
    shapes = [frame.image.shape for frame in frames_of(joined)]
    assert set(shapes) == {(48, 64, 3), (80, 96, 3)}
    assert shapes == sorted(shapes)


def write_sound(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        assert isinstance(stream, AudioStream)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    write_sound(tmp_path / "song.wav")
    with pytest.raises(SourceError, match=r"song\.wav' holds no video, only audio"):
        frames_of(tmp_path / "song.wav")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.mp4", b"", "is empty"),
        ("noise.mp4", bytes(range(256)) * 40, "no video that can be read"),
        ("notes.txt", b"remember the milk\n" * 20, "no video that can be read"),
    ],
)
def test_what_is_no_video_is_said_in_one_sentence(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=says) as raised:
        frames_of(tmp_path / name)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_cut_off_before_its_index_is_said_to_be_damaged(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mp4")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(SourceError, match="cut off or damaged"):
        frames_of(cut)
