"""What it costs to encode a picture for a recording and for a stream, beside `mien bench stages`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mien.media.formats import RecordingWish
from mien.media.video.live_video import LiveVideo, VideoWish
from mien.pipeline.frame import OutputFormat
from mien.sinks.streaming import bit_rate_for, stream_wish
from mien_models.types import BgrU8

_FRAMES: Final = 150


@dataclass(frozen=True, slots=True)
class EncodeCost:
    """One encoder, at 30 frames a second."""

    encoder: str
    """As FFmpeg calls it."""
    frame_ms: float
    """Of the processor, over all threads; of a chip that encodes only what the processor still does."""


@dataclass(frozen=True, slots=True)
class EncodeCosts:
    """What outputs add to a frame's work."""

    recording: EncodeCost
    stream: EncodeCost
    """Also what a recording and a stream cost together where the recording is made as the stream is."""


def encode_costs(pictures: Sequence[BgrU8], output: OutputFormat) -> EncodeCosts:
    """Encode pictures, shown over and over, as a recording and as a stream of that size are.

    Raises:
        SinkError: no encoder works.
    """
    recording = VideoWish(output.width, output.height, output.fps, RecordingWish().quality)
    return EncodeCosts(_cost(pictures, recording), _cost(pictures, stream_wish(output, bit_rate_for(output))))


def _cost(pictures: Sequence[BgrU8], wish: VideoWish) -> EncodeCost:
    video = LiveVideo(wish)
    began_ns = time.process_time_ns()
    for number in range(_FRAMES):
        video.write(number, pictures[number % len(pictures)], round(number * 1_000_000_000 / wish.fps))
    video.finish()
    return EncodeCost(video.name, round((time.process_time_ns() - began_ns) / 1e6 / _FRAMES, 3))
