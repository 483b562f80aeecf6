"""The last picture is shown for as long as in the input, and a GIF is played as often."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.codec.context import Flags
from av.video.stream import VideoStream
from PIL import Image

from mien.pipeline.offline import swap_file


def gif(path: Path, delays_cs: list[int], **how: Any) -> Path:
    """A GIF whose pictures differ."""
    random = np.random.default_rng(1)
    pictures = [Image.fromarray(random.integers(0, 255, (20, 33, 3)).astype(np.uint8)) for _ in delays_cs]
    durations = [10 * delay for delay in delays_cs]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, **how)
    return path


def delays_cs_of(path: Path) -> list[int]:
    with Image.open(path) as opened:
        found: list[int] = []
        for number in range(getattr(opened, "n_frames", 1)):
            opened.seek(number)
            found.append(round(opened.info["duration"] / 10))
        return found


@pytest.mark.parametrize("delays_cs", [[10, 30, 5, 50], [7, 7, 7, 7], [100, 2], [3, 1000, 4], [250] * 2])
def test_every_delay_of_a_gif_is_kept(watch: Any, tmp_path: Path, delays_cs: list[int]) -> None:
    swap_file(gif(tmp_path / "in.gif", delays_cs, loop=0), tmp_path / "out.gif", [watch])
    assert delays_cs_of(tmp_path / "out.gif") == delays_cs


@pytest.mark.parametrize("how", [{}, {"loop": 0}, {"loop": 3}])
def test_a_gif_is_played_as_often(watch: Any, tmp_path: Path, how: dict[str, int]) -> None:
    swap_file(gif(tmp_path / "in.gif", [10, 20], **how), tmp_path / "out.gif", [watch])
    with Image.open(tmp_path / "out.gif") as opened:
        assert opened.info.get("loop") == how.get("loop")


def film(path: Path, lengths: list[int], *, rate: int = 25) -> Path:
    """A film each of whose pictures is shown for so many 25ths of a second."""
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=rate)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        codec = stream.codec_context
        codec.max_b_frames, codec.time_base = 0, Fraction(1, rate)
        codec.flags |= Flags.frame_duration
        for number, length in enumerate(lengths):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 * (number // 3 % 6), np.uint8), "bgr24")
            frame.pts, frame.duration, frame.time_base = sum(lengths[:number]), length, Fraction(1, rate)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def length_of(path: Path) -> tuple[float, ...]:
    """How long a file says that it lasts, and when its last picture ends."""
    with av.open(str(path)) as opened:
        stream = opened.streams.video[0]
        *_, last = opened.decode(video=0)
        assert stream.duration is not None
        assert stream.time_base is not None
        return float(stream.duration * stream.time_base), float((last.pts or 0) + last.duration) * float(
            stream.time_base
        )


FILMS = {
    "steady but for the last": [1] * 24 + [25],
    "long, steady but for the last": [1] * 300 + [6],
    "of varying rate": [10, 1, 30, 2, 50],
    "of two": [1, 30],
    "of one": [50],
    "steady": [1] * 12,
}


@pytest.mark.parametrize("kind", FILMS)
@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
def test_the_last_picture_of_a_film_is_shown_for_as_long(watch: Any, tmp_path: Path, kind: str, name: str) -> None:
    swap_file(film(tmp_path / name, FILMS[kind]), tmp_path / "out.mp4", [watch])
    assert length_of(tmp_path / "out.mp4") == pytest.approx((sum(FILMS[kind]) / 25,) * 2, abs=0.001)


def test_a_gif_becomes_a_film_of_the_same_length_and_back(watch: Any, tmp_path: Path) -> None:
    swap_file(gif(tmp_path / "in.gif", [10, 30, 5, 50]), tmp_path / "out.mp4", [watch])
    assert length_of(tmp_path / "out.mp4") == pytest.approx((0.95, 0.95), abs=0.001)
    swap_file(tmp_path / "out.mp4", tmp_path / "back.gif", [watch])
    assert delays_cs_of(tmp_path / "back.gif") == [10, 30, 5, 50]
