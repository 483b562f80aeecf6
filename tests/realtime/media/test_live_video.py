"""Pictures encoded while they come: their times, what later takers get, encoders that have to prove themselves."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from av.error import FFmpegError

from mien.media.video.live_video import TIME_BASE, LiveVideo, VideoTaker, VideoWish, prove

WISH = VideoWish(64, 48, Fraction(30), 20, may_use_hardware=False)


def write(video: LiveVideo, taker: VideoTaker, times_ns: list[int], first: int = 0) -> list[tuple[int, bool]]:
    """Write a grey picture for each time; give the time and kind of each packet."""
    found: list[tuple[int, bool]] = []
    for number, time_ns in enumerate(times_ns, first):
        video.write(number, np.full((48, 64, 3), 16 * (number % 12), np.uint8), time_ns)
        found += [(packet.pts or 0, packet.is_keyframe) for packet in taker.take()]
    return found


@pytest.mark.parametrize("times_ns", [[0, 10**9, 2 * 10**9], [5 * 10**9, 10**9, 6 * 10**9], [10**12] * 5])
def test_times_are_kept_to_the_tick_and_always_rise(times_ns: list[int]) -> None:
    video = LiveVideo(WISH)
    taker = video.taker()
    found = [pts for pts, _ in write(video, taker, times_ns)]
    video.finish()
    found += [packet.pts or 0 for packet in taker.take()]
    assert len(found) == len(times_ns)
    assert all(later > earlier for earlier, later in itertools.pairwise(found))
    assert found[0] == round(times_ns[0] / 1e9 / TIME_BASE)
    assert found[-1] == max(round(times_ns[-1] / 1e9 / TIME_BASE), found[-2] + 1)


def test_whoever_comes_later_begins_with_a_key_frame_that_is_made_for_them() -> None:
    video = LiveVideo(WISH)
    first = video.taker()
    times_ns = [number * 33_333_333 for number in range(40)]
    write(video, first, times_ns[:10])
    second = video.taker()
    write(video, second, times_ns[10:], first=10)
    late = VideoTaker(video, 0)
    assert late.take()[0].is_keyframe


def test_a_frame_is_encoded_once_however_many_take_it() -> None:
    video = LiveVideo(WISH)
    takers = [video.taker(), video.taker()]
    for number in range(20):
        for _ in takers:
            video.write(number, np.zeros((48, 64, 3), np.uint8), number * 33_333_333)
    video.finish()
    assert [len(taker.take()) for taker in takers] == [20, 20]


def test_an_encoder_proves_itself_and_one_that_is_not_there_fails() -> None:
    prove("libx264", WISH)
    with pytest.raises((FFmpegError, ValueError, OSError)):
        prove("h264_nvenc_of_nobody", WISH)
