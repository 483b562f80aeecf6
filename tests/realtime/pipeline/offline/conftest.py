"""Clips made on the spot: any size, times, sound, container."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from mien.pipeline.frame import Frame
from mien.provenance.release import SwappedPicture


@dataclass
class Clip:
    """What a clip is to be like."""

    frames: int = 12
    size: tuple[int, int] = (64, 48)
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    rate: Fraction = Fraction(25)
    time_base: Fraction | None = None
    pts: Sequence[int] | None = None
    audio: str | None = None
    metadata: dict[str, str] | None = None
    colour: tuple[int, int, int, int] = (1, 1, 1, 1)
    """Matrix, range, primaries and curve as FFmpeg numbers them: BT.709, limited."""


def picture(index: int, size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A grey ramp that moves, with a block whose place tells the index."""
    width, height = size
    image = np.full((height, width, 3), 90, np.uint8)
    image[:, : width // 2] = (60, 60, 150)
    column = index * 4 % (width - 4)
    image[height // 2 : height // 2 + 8, column : column + 4] = 240
    return image


@pytest.fixture
def make_clip(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str, **wanted: Any) -> Path:
        clip = Clip(**wanted)
        with av.open(str(tmp_path / name), "w") as target:
            target.metadata.update(clip.metadata or {})
            stream = target.add_stream(clip.codec, rate=clip.rate, options={"crf": "10"} if "264" in clip.codec else {})
            assert isinstance(stream, VideoStream)
            stream.width, stream.height = clip.size
            stream.pix_fmt = clip.pix_fmt
            codec = stream.codec_context
            codec.colorspace, codec.color_range, codec.color_primaries, codec.color_trc = clip.colour
            if clip.time_base is not None:
                stream.time_base = codec.time_base = clip.time_base
            sound = target.add_stream(clip.audio, rate=48_000) if clip.audio else None
            for index in range(clip.frames):
                frame = av.VideoFrame.from_ndarray(picture(index, clip.size), "bgr24")
                frame = frame.reformat(
                    format=clip.pix_fmt, dst_colorspace=clip.colour[0], dst_color_range=clip.colour[1]
                )
                frame.pts = clip.pts[index] if clip.pts else index
                frame.time_base = clip.time_base or 1 / clip.rate
                target.mux(stream.encode(frame))
            target.mux(stream.encode(None))
            if isinstance(sound, AudioStream):
                _add_tone(target, sound, clip.frames / float(clip.rate))
        return tmp_path / name

    return make


def _add_tone(target: Any, sound: AudioStream, seconds: float) -> None:
    tone = np.sin(np.arange(int(48_000 * seconds)) * 2 * np.pi * 440 / 48_000)
    for start in range(0, len(tone), 1024):
        block = (tone[start : start + 1024] * 12_000).astype(np.int16)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        target.mux(sound.encode(frame))
    target.mux(sound.encode(None))


class Brighten:
    """Swaps nothing, but makes the lower right quarter of every second frame white, as a swapped face would be."""

    name = "swap"

    def __init__(self) -> None:
        self.seen: list[Frame] = []

    def __call__(self, frame: Frame) -> Frame:
        self.seen.append(frame)
        if frame.index % 2:
            return frame
        composed = frame.image.copy()
        composed[composed.shape[0] // 2 :, composed.shape[1] // 2 :] = 255
        picture = SwappedPicture(composed)
        return replace(frame, composed=picture, released=picture.released(lambda image_bgr: image_bgr))


@pytest.fixture
def brighten() -> Brighten:
    return Brighten()


class Watch:
    """Swaps nothing, so that nothing is signed; keeps what it saw."""

    name = "swap"

    def __init__(self) -> None:
        self.seen: list[Frame] = []

    def __call__(self, packet: Frame) -> Frame:
        self.seen.append(packet)
        return packet


@pytest.fixture
def watch() -> Watch:
    return Watch()
