"""Pictures for the line are encoded with the bits that the line takes, however many come in a second."""

from typing import Any

import cv2
import numpy as np
import pytest
from aiortc import rtcrtpsender
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from mien.remote.codecs import CodecMeter, use_measured_codecs, video_frame
from mien_models.types import BgrU8, as_f32, as_u8

H264 = RTCRtpCodecParameters("video/H264", 90_000, payloadType=97)


def _film(photo: BgrU8, count: int) -> list[BgrU8]:
    """Somebody who moves, before a background with some grain."""
    noise = np.random.default_rng(3)
    frames: list[BgrU8] = []
    for number in range(count):
        shift = np.array([[0.625, 0, 8 * np.sin(number / 5)], [0, 0.625, 5 * np.cos(number / 7)]])
        moved = as_f32(cv2.warpAffine(photo, shift, (320, 180), borderMode=cv2.BORDER_REPLICATE).astype(np.float32))
        frames.append(as_u8(np.clip(moved + noise.normal(0, 3, moved.shape), 0, 255).astype(np.uint8)))
    return frames


def _bits_per_s(photo: BgrU8, fps: int, line_bits_per_s: int) -> float:
    use_measured_codecs()
    encoder: Any = vars(rtcrtpsender)["get_encoder"](H264)
    encoder.target_bitrate = line_bits_per_s
    sizes = [
        sum(map(len, encoder.encode(video_frame(frame, number * 90_000 // fps, CodecMeter()))[0]))
        for number, frame in enumerate(_film(photo, 6 * fps))
    ]
    return sum(sizes[2 * fps :]) * 8 / 4


@pytest.mark.parametrize("fps", [10, 15, 30, 60])
def test_the_bits_of_a_second_are_those_that_the_line_takes(photo: BgrU8, fps: int) -> None:
    assert 0.6 < _bits_per_s(photo, fps, 250_000) / 250_000 < 1.5


def test_on_a_line_that_takes_far_more_a_picture_gets_what_can_be_seen(photo: BgrU8) -> None:
    assert 400_000 < _bits_per_s(photo, 30, 10_000_000) < 1_000_000
