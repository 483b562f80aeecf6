"""Sound that is encoded: its form may change, its time may have gaps."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from mien.media.video.sound import SoundEncoder, SoundEncoding, encodings_of


def tone(at_s: float, rate: int, layout: str, seconds: float = 0.5) -> av.AudioFrame:
    """A block of loud samples that begins at a time."""
    channels = av.AudioLayout(layout).nb_channels
    block = np.sin(np.arange(int(seconds * rate)) * 2 * np.pi * 440 / rate).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(np.repeat(block, channels)[np.newaxis], "flt", layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, round(at_s * rate), Fraction(1, rate)
    return frame


def loudness(frames: list[av.AudioFrame], encoding: SoundEncoding) -> list[float]:
    """Encode, decode, and give the level of every tenth of a second."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as target:
        encoder = SoundEncoder(target, encoding)
        for frame in frames:
            encoder.encode(frame)
        encoder.finish()
    file.seek(0)
    with av.open(file, "r") as written:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in written.decode(audio=0)])
    tenth = encoding.rate // 10
    return [float(np.abs(samples[at : at + tenth]).mean()) for at in range(0, len(samples) - tenth // 2, tenth)]


def test_sound_goes_on_where_its_rate_and_channels_change() -> None:
    frames = [tone(0, 48_000, "stereo"), tone(0.5, 44_100, "mono"), tone(1.0, 22_050, "5.1")]
    levels = loudness(frames, SoundEncoding("aac", 48_000, "stereo"))
    assert len(levels) == 15
    assert min(levels) > 0.2


def test_a_gap_is_filled_with_silence_and_what_is_before_the_start_is_cut() -> None:
    frames = [tone(-0.3, 48_000, "mono"), tone(0.7, 48_000, "mono")]
    levels = loudness(frames, SoundEncoding("aac", 48_000, "mono"))
    assert [level > 0.2 for level in levels] == [True] * 2 + [False] * 5 + [True] * 5


def test_sound_that_begins_late_begins_late() -> None:
    levels = loudness([tone(0.4, 48_000, "mono")], SoundEncoding("aac", 48_000, "mono"))
    assert [level > 0.2 for level in levels] == [False] * 4 + [True] * 5


@pytest.mark.parametrize(("rate", "expected"), [(4_000, 7_350), (22_255, 24_000), (48_000, 48_000), (384_000, 96_000)])
def test_the_nearest_rate_that_loses_nothing_is_taken(rate: int, expected: int) -> None:
    assert encodings_of(tone(0, rate, "mono"), "aac")[0].rate == expected


def test_a_layout_of_the_files_own_is_tried_first_and_an_even_mix_last() -> None:
    layouts = [encoding.layout for encoding in encodings_of(tone(0, 48_000, "quad"), "aac")]
    assert layouts == ["quad", "4.0", "stereo"]
    layouts = [encoding.layout for encoding in encodings_of(tone(0, 48_000, "5.1(side)"), "aac")]
    assert layouts == ["5.1", "5.1(side)", "stereo"]
    assert encodings_of(tone(0, 48_000, "hexadecagonal"), "aac") == (SoundEncoding("aac", 48_000, "stereo", 16),)
