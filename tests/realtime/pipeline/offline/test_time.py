"""Time goes on, in step with the sound, in recordings that were joined, restarted or interrupted."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.packet import Packet
from tests.realtime.pipeline.offline.recordings import (
    LATER,
    PLAIN,
    RATE,
    Recording,
    joined,
    out_of_step_ms,
    pitches_hz,
    times_of,
)

from mien.pipeline.offline import swap_file
from mien.sources.backends.video import VideoSource

JUMPS: dict[str, tuple[Recording, ...]] = {
    "back": (PLAIN, PLAIN),
    "far ahead": (PLAIN, LATER),
    "back by an hour": (LATER, PLAIN),
    "several times": (PLAIN, LATER, PLAIN, replace(PLAIN, start_s=100)),
    "in the middle of a recording": (replace(PLAIN, gap=(31, 20.0)),),
    "without sound": (replace(PLAIN, sound_hz=None), replace(PLAIN, sound_hz=None)),
    "without reordered pictures": (replace(PLAIN, codec="mpeg2video"), replace(PLAIN, codec="mpeg2video")),
    "to another size": (PLAIN, replace(PLAIN, size=(320, 200))),
    "to another pixel format": (PLAIN, replace(PLAIN, pix_fmt="yuv422p10le")),
    "to other sound": (PLAIN, replace(PLAIN, sound_hz=44_100, layout="stereo")),
}


@pytest.mark.parametrize("kind", JUMPS)
def test_a_clock_that_jumps_goes_on_one_frame_later_and_the_sound_with_it(
    watch: Any, tmp_path: Path, kind: str
) -> None:
    recordings = JUMPS[kind]
    source = joined(tmp_path / "in.ts", *recordings)
    result = swap_file(source, tmp_path / "out.mp4", [watch])
    frames = sum(recording.frames for recording in recordings)
    assert (result.frames_written, result.is_complete) == (frames, True)
    times = times_of(tmp_path / "out.mp4")
    assert np.diff(times) == pytest.approx([1 / RATE] * (frames - 1), abs=0.002)
    assert [packet.captured_ns for packet in watch.seen] == pytest.approx([n * 1e9 for n in times], abs=3e6)
    if recordings[0].sound_hz:
        late = out_of_step_ms(tmp_path / "out.mp4")
        assert len(late) == 4 * len(recordings)
        assert np.abs(late).max() < 30
        assert pitches_hz(tmp_path / "out.mp4") == pytest.approx([1000] * len(late), abs=25)
    assert any("jumps" in note for note in result.notes)


def test_a_pause_in_a_recording_that_keeps_its_own_time_stays_a_pause(watch: Any, tmp_path: Path) -> None:
    source = replace(PLAIN, gap=(31, 20.0)).write(tmp_path / "in.mkv")
    result = swap_file(source, tmp_path / "out.mp4", [watch])
    assert max(np.diff(times_of(tmp_path / "out.mp4"))) == pytest.approx(20 + 1 / RATE, abs=0.01)
    assert not any("jumps" in note for note in result.notes)


@pytest.mark.parametrize("start_s", [-3, 95_442])
def test_a_clock_that_starts_anywhere_or_wraps_around_starts_at_0(watch: Any, tmp_path: Path, start_s: int) -> None:
    source = replace(PLAIN, start_s=start_s, frames=75).write(tmp_path / ("in.mkv" if start_s < 0 else "in.ts"))
    result = swap_file(source, tmp_path / "out.mp4", [watch])
    times = times_of(tmp_path / "out.mp4")
    assert (len(times), result.is_complete) == (75, True)
    assert times[0] == pytest.approx(0, abs=0.05)
    assert np.diff(times) == pytest.approx([1 / RATE] * 74, abs=0.002)
    assert np.abs(out_of_step_ms(tmp_path / "out.mp4")).max() < 30


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le", "flac"])
def test_a_clock_that_begins_before_0_loses_no_sound(watch: Any, tmp_path: Path, codec: str) -> None:
    recording = replace(PLAIN, start_s=-1, frames=75, sound_codec=codec, is_shifted=False)
    result = swap_file(recording.write(tmp_path / "in.mkv"), tmp_path / "out.mp4", [watch])
    assert (result.frames_written, result.is_complete) == (75, True)
    late = out_of_step_ms(tmp_path / "out.mp4")
    assert len(late) == 6
    assert np.abs(late).max() < 45


@pytest.mark.parametrize("is_joined", [False, True])
def test_a_recording_that_begins_between_key_frames_is_whole(watch: Any, tmp_path: Path, is_joined: bool) -> None:
    whole = PLAIN.write(tmp_path / "whole.ts").read_bytes()
    later = whole[188 * (len(whole) // 188 // 8) :]
    (tmp_path / "in.ts").write_bytes(whole + later if is_joined else later)
    result = swap_file(tmp_path / "in.ts", tmp_path / "out.mp4", [watch])
    assert result.frames_written > (80 if is_joined else 30)
    assert result.is_complete
    assert np.abs(out_of_step_ms(tmp_path / "out.mp4")).max() < 30
    if not is_joined:
        assert any("between two key frames" in note for note in result.notes)


def test_packets_that_were_lost_in_a_stream_are_damage(watch: Any, tmp_path: Path) -> None:
    whole = PLAIN.write(tmp_path / "whole.ts").read_bytes()
    for middle in (188 * 38, 188 * 56, 188 * 86, 188 * 104):
        (tmp_path / "in.ts").write_bytes(whole[:middle] + whole[middle + 188 * 6 :])
        assert not swap_file(tmp_path / "in.ts", tmp_path / "out.mp4", [watch]).is_complete


@pytest.mark.parametrize("recordings", [(PLAIN, PLAIN), (PLAIN, LATER), (LATER, PLAIN)])
def test_a_file_that_is_played_live_goes_on_too(
    tmp_path: Path, recordings: Sequence[Recording], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), VideoSource(joined(tmp_path / "in.ts", *recordings)) as source:
        shown_ns = [packet.captured_ns for packet in iter(source.read, None)]
    assert len(shown_ns) == 100
    assert np.diff(shown_ns) == pytest.approx([1e9 / RATE] * 99, abs=1e6)
    assert not caplog.records


def empty_chunks(path: Path) -> Path:
    """An AVI whose second, fifth and last frame but one repeat the frame before."""
    shown = [0, 2, 3, 5, *range(6, 18), 19]
    with av.open(str(path), "w") as target:
        stream = target.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in shown:
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * number, np.uint8), "bgr24")
            frame.pts = number
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def edit_list(path: Path) -> Path:
    """An MP4 whose first eighteen pictures are there for those after them, and not to be shown."""
    whole = PLAIN.write(path.with_name("whole.mp4"))
    with av.open(str(whole)) as old, av.open(str(path), "w") as new:
        kept = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if packet.dts is not None:
                shift = round(18 / RATE / packet.time_base)
                packet.dts, packet.pts = packet.dts - shift, (packet.pts or 0) - shift
                packet.stream = kept[packet.stream_index]
                new.mux(packet)
    return path


@pytest.mark.parametrize(("make", "name", "frames"), [(empty_chunks, "in.avi", 17), (edit_list, "in.mp4", 32)])
def test_a_file_that_announces_more_than_it_shows_is_whole(
    watch: Any, tmp_path: Path, make: Any, name: str, frames: int, caplog: pytest.LogCaptureFixture
) -> None:
    source = make(tmp_path / name)
    with av.open(str(source)) as film:
        assert film.streams.video[0].frames > frames
    result = swap_file(source, tmp_path / "out.mp4", [watch])
    assert (result.frames_written, result.is_complete, result.notes) == (frames, True, ())
    assert result.frames_expected in (None, frames)
    assert times_of(tmp_path / "out.mp4") == pytest.approx(times_of(source), abs=0.002)
    with caplog.at_level(logging.WARNING), VideoSource(source) as played:
        assert len(list(iter(played.read, None))) == frames
    assert not caplog.records


def test_sound_that_lasts_longer_than_the_pictures_is_no_damage(
    tmp_path: Path, watch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    pictures, sound = PLAIN.write(tmp_path / "short.mkv"), replace(PLAIN, frames=150).write(tmp_path / "long.mkv")
    with av.open(str(pictures)) as one, av.open(str(sound)) as other, av.open(str(tmp_path / "in.mkv"), "w") as new:
        video = new.add_stream_from_template(one.streams.video[0])
        audio = new.add_stream_from_template(other.streams.audio[0])
        packets: list[Packet[Any]] = [*one.demux(one.streams.video[0]), *other.demux(other.streams.audio[0])]
        for packet in packets:
            if packet.size:
                packet.stream = video if packet.stream.type == "video" else audio
                new.mux(packet)
    assert swap_file(tmp_path / "in.mkv", tmp_path / "out.mp4", [watch]).is_complete
    with caplog.at_level(logging.WARNING), VideoSource(tmp_path / "in.mkv") as played:
        assert len(list(iter(played.read, None))) == 50
    assert not caplog.records
