"""Sound of every kind comes along: copied, encoded or left out with a sentence, and in step with the pictures."""

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mien.pipeline.offline import swap_file
from mien_models.errors import SinkError

SECONDS = 1.2


def chirp(channel: int, rate: int) -> NDArray[np.float64]:
    """A tone that rises, from another height in each channel: no part of it is like another."""
    at_s = np.arange(int(SECONDS * rate)) / rate
    return np.asarray(0.3 * np.sin(2 * np.pi * (300 + 90 * channel + (500 + 37 * channel) * at_s) * at_s))


def write_film(
    path: Path,
    codec: str,
    layout: str = "stereo",
    rate: int = 48_000,
    *,
    tracks: int = 1,
    pictures: str | None = None,
    is_sound_first: bool = False,
) -> Path:
    """Write a film with chirps; what the container keeps of the layout is the container's business."""
    pictures = pictures or ("mpeg2video" if path.suffix == ".ts" else "mjpeg")
    with av.open(str(path), "w") as target:
        early = target.add_stream(codec, rate=rate) if is_sound_first else None
        video = target.add_stream(pictures, rate=25)
        assert isinstance(video, VideoStream)
        video.width, video.height = 64, 48
        video.pix_fmt = "yuvj420p" if pictures == "mjpeg" else "yuv420p"
        sounds: list[AudioStream] = []
        if isinstance(early, AudioStream):
            early.codec_context.layout, tracks = layout, tracks - 1
            sounds.append(early)
        for _ in range(tracks):
            sound = target.add_stream(codec, rate=rate)
            assert isinstance(sound, AudioStream)
            sound.codec_context.layout = layout
            sound.bit_rate = 128_000 if codec == "wmav2" else 0
            sounds.append(sound)
        for index in range(int(SECONDS * 25)):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index * 5, np.uint8), "bgr24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            target.mux(video.encode(frame))
        for sound in sounds:
            _encode(target, sound, layout, rate)
        target.mux(video.encode(None))
    return path


def _encode(target: Any, sound: AudioStream, layout: str, rate: int) -> None:
    channels = av.AudioLayout(layout).nb_channels
    samples = np.stack([chirp(channel, rate) for channel in range(channels)])
    for start in range(0, samples.shape[1], 1024):
        block = np.ascontiguousarray(samples[:, start : start + 1024].T.reshape(1, -1).astype(np.float32))
        frame = av.AudioFrame.from_ndarray(block, "flt", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        target.mux(sound.encode(frame))
    target.mux(sound.encode(None))


def heard(path: Path, track: int = 0) -> tuple[NDArray[np.float64], int]:
    """Decode a track to (channels, samples), silence where the file has a gap."""
    with av.open(str(path)) as film:
        stream = film.streams.audio[track]
        rate = stream.codec_context.sample_rate
        blocks: list[tuple[int, NDArray[np.float64]]] = []
        for frame in film.decode(stream):
            at = after = blocks[-1][0] + blocks[-1][1].shape[1] if blocks else 0
            if frame.pts is not None and frame.time_base is not None:
                at = round(frame.pts * frame.time_base * rate)
            is_rounded = bool(blocks) and abs(at - after) <= rate // 500
            blocks.append((after if is_rounded else at, _by_channel(frame)))
    end = max(at + block.shape[1] for at, block in blocks)
    samples = np.zeros((len(blocks[0][1]), end))
    for at, block in blocks:
        samples[:, max(0, at) : at + block.shape[1]] = block[:, max(0, -at) :]
    return samples, rate


def _by_channel(frame: av.AudioFrame) -> NDArray[np.float64]:
    samples = np.asarray(frame.to_ndarray(), np.float64)
    return samples if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels).T


def likeness(found: NDArray[np.float64], channel: int, rate: int) -> float:
    """Correlate with the chirp that a channel should hold, at the time it should have, give or take 10 ms."""
    expected = chirp(channel, rate)
    length, most = min(len(expected), len(found)) - rate // 50, rate // 100
    assert length > 0.9 * len(expected)
    lags = range(-most, most + 1, max(1, rate // 8000))
    middle = expected[most : most + length]
    return max(float(np.corrcoef(found[most + lag : most + lag + length], middle)[0, 1]) for lag in lags)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "target"),
    [
        ("in.avi", "pcm_s16le", 48_000, ".mp4"),
        ("in.avi", "pcm_u8", 11_025, ".mp4"),
        ("in.mkv", "pcm_s24le", 48_000, ".mp4"),
        ("in.mkv", "pcm_f64le", 48_000, ".mp4"),
        ("in.avi", "adpcm_ms", 48_000, ".mp4"),
        ("in.avi", "adpcm_ima_wav", 44_100, ".mp4"),
        ("in.avi", "pcm_s16le", 22_255, ".mp4"),
        ("in.mkv", "wavpack", 192_000, ".mp4"),
        ("in.mkv", "libopus", 48_000, ".mp4"),
        ("in.mkv", "libopus", 48_000, ".mov"),
        ("in.mkv", "pcm_s24le", 48_000, ".mov"),
        ("in.avi", "adpcm_ms", 48_000, ".mov"),
    ],
)
def test_every_kind_of_sound_is_heard_at_its_time(
    tmp_path: Path, name: str, codec: str, rate: int, target: str
) -> None:
    source = write_film(tmp_path / name, codec, rate=rate)
    result = swap_file(source, tmp_path / f"out{target}", [])
    assert result.is_complete
    found, found_rate = heard(tmp_path / f"out{target}")
    assert len(found) == 2
    for channel in range(2):
        assert likeness(found[channel], channel, found_rate) > 0.97


def test_sound_of_a_windows_media_file_is_heard_as_it_was(tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.wmv", "wmav2", rate=44_100)
    swap_file(source, tmp_path / "out.mp4", [])
    (before, rate), (after, _) = heard(source), heard(tmp_path / "out.mp4")
    middle = slice(rate // 4, rate)
    assert all(np.corrcoef(before[channel][middle], after[channel][middle])[0, 1] > 0.97 for channel in range(2))


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed, and PyAV cannot encode TrueHD")
def test_truehd_is_encoded_anew(tmp_path: Path) -> None:
    write_film(tmp_path / "in.mkv", "pcm_s16le")
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "in.mkv"), "-c:v", "copy", "-c:a", "truehd"]
    subprocess.run([*command, "-strict", "-2", str(tmp_path / "hd.mkv")], check=True)
    result = swap_file(tmp_path / "hd.mkv", tmp_path / "out.mp4", [])
    found, rate = heard(tmp_path / "out.mp4")
    assert result.notes == ("The sound (truehd) cannot be copied into mp4: it is encoded as aac.",)
    assert all(likeness(found[channel], channel, rate) > 0.97 for channel in range(2))


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_s24le", "adpcm_ms"])
def test_an_old_player_finds_sound_with_a_layout(tmp_path: Path, codec: str) -> None:
    source = write_film(tmp_path / "in.avi", codec)
    swap_file(source, tmp_path / "out.mp4", [])
    command = ["ffprobe", "-v", "error", "-select_streams", "a", "-of", "csv=p=0"]
    entries = ["-show_entries", "stream=codec_name,channels,channel_layout", str(tmp_path / "out.mp4")]
    found = subprocess.run([*command, *entries], check=True, capture_output=True, text=True).stdout
    assert found.strip() == "aac,2,stereo"


@pytest.mark.parametrize(
    ("layout", "channels", "says"),
    [("3.0", 3, None), ("5.0", 5, None), ("hexadecagonal", 2, "its 16 channels mixed into 2")],
)
def test_many_channels_stay_or_are_mixed_and_said(tmp_path: Path, layout: str, channels: int, says: str | None) -> None:
    source = write_film(tmp_path / "in.mkv", "pcm_s16le", layout)
    result = swap_file(source, tmp_path / "out.mp4", [])
    found, rate = heard(tmp_path / "out.mp4")
    assert len(found) == channels
    if says is None:
        assert all(likeness(found[channel], channel, rate) > 0.97 for channel in range(channels))
    else:
        assert any(says in note for note in result.notes)
        expected = np.sum([chirp(channel, rate) for channel in range(0, 16, 2)], axis=0)
        assert np.corrcoef(found[0][: len(expected)], expected)[0, 1] > 0.97


@pytest.mark.parametrize("layout", ["5.0(side)", "5.1(side)", "4.1", "6.1", "7.1(wide)", "quad", "2.1"])
def test_players_are_told_by_a_number_where_each_channel_belongs(tmp_path: Path, layout: str) -> None:
    swap_file(write_film(tmp_path / "in.mkv", "flac", layout), tmp_path / "out.mov", [])
    with av.open(str(tmp_path / "out.mov")) as film:
        described = film.streams.audio[0].codec_context.extradata
    # ISO/IEC 14496-3, 1.6.2.1: 5 bits of type, 4 of rate, 4 of channels; 0 means that they are described elsewhere.
    assert described is not None
    numbered = int.from_bytes(described[:2], "big") >> 3 & 15
    assert (numbered > 0) == (layout not in ("quad", "2.1"))
    if numbered == 7:  # PyAV cannot read its eight channels, in FFmpeg's own order, without a crash
        return
    found, rate = heard(tmp_path / "out.mov")
    part = slice(int(0.3 * rate), int(0.9 * rate))
    loud = [channel for channel in range(len(found)) if np.abs(found[channel][part]).mean() > 0.05]
    assert len(loud) >= av.AudioLayout(layout).nb_channels - 1  # all but the one for bass
    match = max(abs(np.corrcoef(found[channel][part], chirp(0, rate)[part])[0, 1]) for channel in loud)
    assert match > 0.9


def test_speakers_in_an_order_of_the_files_own_end_nothing(tmp_path: Path) -> None:
    # PyAV 18 frees such a layout twice as soon as it is looked at: not even this test may do that.
    film = write_film(tmp_path / "in.mov", "pcm_s16le")
    content = bytearray(film.read_bytes())
    labels = content.index(b"chan") + 12
    assert int.from_bytes(content[labels - 4 : labels], "big") >> 16 == 101, "the tag of stereo"
    film.write_bytes(_with_swapped_speakers(bytes(content)))
    for name in ("out.mp4", "out.mov"):
        assert swap_file(film, tmp_path / name, []).is_complete
    found, rate = heard(tmp_path / "out.mp4")
    assert all(likeness(found[channel], channel, rate) > 0.97 for channel in range(2))


def _with_swapped_speakers(film: bytes) -> bytes:
    """Give the one track of sound two channel descriptions, right before left, and every box around them its size."""
    at = film.index(b"chan") - 4
    described = b"".join(label.to_bytes(4, "big") + bytes(16) for label in (2, 1))
    box = b"chan" + bytes(4) + bytes(4) + bytes(4) + (2).to_bytes(4, "big") + described
    box = (len(box) + 4).to_bytes(4, "big") + box
    old = int.from_bytes(film[at : at + 4], "big")
    changed = bytearray(film[:at] + box + film[at + old :])
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        place = film.rindex(name, 0, at) - 4
        size = int.from_bytes(changed[place : place + 4], "big")
        changed[place : place + 4] = (size + len(box) - old).to_bytes(4, "big")
    place = film.rindex(b"sowt", 0, at) - 4
    size = int.from_bytes(changed[place : place + 4], "big")
    changed[place : place + 4] = (size + len(box) - old).to_bytes(4, "big")
    return bytes(changed)


def test_every_track_comes_along(tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mkv", "wavpack", tracks=3)
    swap_file(source, tmp_path / "out.mp4", [])
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert len(film.streams.audio) == 3
    for track in range(3):
        found, rate = heard(tmp_path / "out.mp4", track)
        assert likeness(found[1], 1, rate) > 0.97


def test_what_no_header_can_be_written_for_is_said_before_the_first_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_film(tmp_path / "in.mkv", "wavpack")
    seen: list[int] = []
    monkeypatch.setattr("mien.pipeline.offline.video.OtherStreams", _Refused)
    with pytest.raises(SinkError, match=r"'out.mp4' cannot be begun: "):
        swap_file(source, tmp_path / "out.mp4", [], progress=lambda done, _total: seen.append(done))
    assert seen == []
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


class _Refused:
    """Adds sound without a layout, which no header can be written for."""

    def __init__(self, _source: Any, target: Any, *_rest: Any, **_named: Any) -> None:
        target.add_stream("aac", rate=12_345)


@pytest.mark.parametrize("damage", ["a gap", "zeros"])
def test_sound_after_damage_stays_in_step(tmp_path: Path, damage: str) -> None:
    whole = write_film(tmp_path / "whole.mkv", "flac")
    source = tmp_path / "in.mkv"
    with av.open(str(whole)) as old, av.open(str(source), "w") as new:
        copies: dict[int, Any] = {stream.index: new.add_stream_from_template(stream, True) for stream in old.streams}
        for packet in old.demux():
            is_hit = packet.stream.type == "audio" and packet.time_base * (packet.pts or 0) > 0.5
            if packet.dts is None or (is_hit and damage == "a gap" and packet.time_base * (packet.pts or 0) < 0.7):
                continue
            if is_hit and damage == "zeros":
                copied = av.Packet(bytes(packet)[:24] + bytes(packet.size - 24))
                copied.pts, copied.dts, copied.time_base = packet.pts, packet.dts, packet.time_base
                packet, damage = copied, "done"  # noqa: PLW2901
                packet.stream = copies[1]
            else:
                packet.stream = copies[packet.stream.index]
            new.mux(packet)
    result = swap_file(source, tmp_path / "out.mov", [])
    assert result.is_complete == (damage == "a gap")
    found, rate = heard(tmp_path / "out.mov")
    assert np.abs(found[0][int(0.58 * rate) : int(0.68 * rate)]).max() < 0.05 or damage == "done"
    last = slice(int(0.85 * rate), int(1.1 * rate))
    assert np.corrcoef(found[0][last], chirp(0, rate)[last])[0, 1] > 0.95


@pytest.mark.parametrize(("place", "byte"), [(1, 0x31), (3, 0x00), (6, 0xFF)])
def test_a_damaged_packet_that_cannot_be_copied_is_left_out_and_said(tmp_path: Path, place: int, byte: int) -> None:
    source = write_film(tmp_path / "in.ts", "aac")
    content = bytearray(source.read_bytes())
    start = content.index(b"\xff\xf1", len(content) * 2 // 3)
    content[start + place] = byte
    source.write_bytes(content)
    result = swap_file(source, tmp_path / "out.mp4", [])
    assert (result.frames_written, result.is_complete) == (30, False)
    assert any("sound is damaged" in note for note in result.notes)
    found, rate = heard(tmp_path / "out.mp4")
    assert np.abs(found[0][rate // 10 : rate // 2]).mean() > 0.1


@pytest.mark.parametrize("is_sound_first", [False, True])
@pytest.mark.parametrize(("name", "codec"), [("in.mkv", "flac"), ("in.mov", "pcm_s16le"), ("in.ts", "ac3")])
def test_the_last_frames_and_the_last_sound_are_there_whichever_stream_comes_first(
    tmp_path: Path, name: str, codec: str, is_sound_first: bool
) -> None:
    source = write_film(tmp_path / name, codec, pictures="libx264", is_sound_first=is_sound_first)
    result = swap_file(source, tmp_path / "out.mp4", [])
    assert (result.frames_written, result.is_complete) == (30, True)
    found, rate = heard(tmp_path / "out.mp4")
    last = slice(int(1.1 * rate), int(1.19 * rate))
    assert np.abs(found[0][last]).mean() > 0.1
