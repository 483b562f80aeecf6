"""The recording of a live session."""

import contextlib
import itertools
import os
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.error import InvalidDataError
from tests.realtime.sinks.clapping import FORMAT as CLAPPING
from tests.realtime.sinks.clapping import clapping_sound, send
from tests.realtime.sinks.clapping import frame as clapping_frame

from mien.diagnostics.bench.sync import measured
from mien.media.formats import RecordingWish
from mien.media.video.live_video import LiveVideo, VideoWish
from mien.pipeline.frame import OutputFormat, OutputFrame, State
from mien.provenance.release import ReleasedPicture
from mien.sinks.backends.file import FileSink
from mien.sinks.live_tracks import LiveTracks, Studio
from mien.sinks.recorded_file import recover
from mien.sinks.streaming import bit_rate_for, stream_wish
from mien.sound.hub import SoundHub
from mien.sound.microphone import MicrophoneRequest
from mien_models.errors import SinkError

FORMAT = OutputFormat(320, 180, Fraction(30))
NUMBERS = itertools.count()
COLOURS_BGR = [(40, 40, 200), (60, 180, 60), (200, 90, 30), (235, 235, 235), (20, 20, 20)]


def flat(bgr: tuple[int, int, int], captured_ns: int) -> OutputFrame:
    picture = ReleasedPicture.unswapped(np.full((180, 320, 3), bgr, np.uint8))
    return OutputFrame(picture, next(NUMBERS), captured_ns, State.LIVE)


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov"])
def test_colours_and_times_come_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ein Mitschnitt ß{suffix}"
    times_ns = [7_000_000_000, 7_033_000_000, 7_100_000_000, 7_101_000_000, 7_200_000_000]
    with FileSink(str(path), FORMAT) as sink:
        for colour, time_ns in zip(COLOURS_BGR, times_ns, strict=True):
            sink.write(flat(colour, time_ns))
    with av.open(str(path)) as recording:
        frames = list(recording.decode(video=0))
        stream = recording.streams.video[0]
        assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (1, 1)
    assert len(frames) == len(times_ns)
    for frame, colour, time_ns in zip(frames, COLOURS_BGR, times_ns, strict=True):
        assert frame.time == pytest.approx((time_ns - times_ns[0]) / 1e9, abs=1.1e-3)
        middle = frame.to_ndarray(format="bgr24")[90, 160].astype(int)
        assert np.abs(middle - colour).max() <= 4


def test_the_file_takes_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    sink = FileSink(str(path), FORMAT)
    with sink:
        sink.write(flat((0, 0, 255), 0))
        assert [found.name for found in tmp_path.iterdir()] == ["out.mp4.part"]
    assert [found.name for found in tmp_path.iterdir()] == ["out.mp4"]


def test_no_frame_leaves_no_file(tmp_path: Path) -> None:
    with FileSink(str(tmp_path / "out.mp4"), FORMAT):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_recording_that_is_killed_can_be_played(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    program = f"""
import os
from fractions import Fraction
import numpy as np
from mien.pipeline.frame import OutputFormat
from mien.provenance.release import ReleasedPicture
from mien.pipeline.frame import OutputFrame, State
from mien.sinks.backends.file import FileSink
sink = FileSink({str(path)!r}, OutputFormat(320, 180, Fraction(30)))
with sink:
    for i in range(400):
        image = np.random.default_rng(i).integers(0, 256, (180, 320, 3), np.uint8)
        sink.write(OutputFrame(ReleasedPicture.unswapped(image), i, i * 33_333_333, State.LIVE))
    os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
    assert not path.exists()
    played = 0
    # The last piece is torn; players, unlike PyAV, step over it.
    with av.open(f"{path}.part") as recording, contextlib.suppress(InvalidDataError):
        for _ in recording.decode(video=0):
            played += 1
    assert played > 300


def test_a_full_disk_is_one_sentence_and_says_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.mp4"
    sink = FileSink(str(path), FORMAT)
    with sink:
        sink.write(flat((0, 0, 255), 0))

        def full(_recording: object, _frame: OutputFrame) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("mien.sinks.recorded_file.RecordedFile.write", full)
        with pytest.raises(SinkError, match=r"No space left on device.*recorded is in .*out\.mp4") as caught:
            sink.write(flat((0, 0, 255), 1))
        assert len(str(caught.value).splitlines()) == 1
    with av.open(str(path)) as recording:
        assert sum(1 for _ in recording.decode(video=0)) == 1


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("out.xyz", r"Use one of \.mp4"),
        ("out", "has no suffix"),
        ("out.gif", "not recorded live"),
        ("out.mkv", r"cannot carry Content Credentials.*'out\.mp4'"),
        ("out.webm", r"cannot carry Content Credentials.*'out\.mp4'"),
        ("missing/out.mp4", "does not exist"),
        ("", "is a folder"),
    ],
)
def test_a_path_that_cannot_be_is_refused_at_once(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "folder.mp4").mkdir()
    target = tmp_path / (name or "folder.mp4")
    with pytest.raises(SinkError, match=sentence):
        FileSink(str(target), FORMAT).__enter__()
    assert [found.name for found in tmp_path.iterdir()] == ["folder.mp4"]


def test_a_torn_recording_is_recovered_with_its_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    hub = SoundHub(MicrophoneRequest("synthetic", FORMAT.fps), lambda _: None, lambda _: None)
    hub.start()
    sink = FileSink(str(path), FORMAT)
    sink.studio = Studio(hub=hub)
    part = path.with_name("a.mp4.part")
    with sink:
        began_s = time.monotonic()
        written = 0
        while (now_s := time.monotonic()) - began_s < 5:
            written += 1
            sink.write(flat(COLOURS_BGR[0], int(now_s * 1e9)))
            time.sleep(1 / 30)
        torn = tmp_path / "torn.mp4.part"
        torn.write_bytes(part.read_bytes())
    hub.close()
    os.utime(torn, (1e9, 1e9))
    whole, frames = recover(torn)
    with av.open(str(whole)) as file:
        assert file.streams.video[0].frames == frames >= written - 2 * FORMAT.fps
        (sound,) = file.streams.audio
        assert float((sound.duration or 0) * (sound.time_base or 0)) > 3


def test_a_recording_goes_on_in_another_file_without_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    with clapping_sound() as hub:
        sink = FileSink(str(path), CLAPPING)
        sink.studio = Studio(hub=hub)
        written: set[int] = set()

        class Counting:
            def write(self, frame: OutputFrame) -> None:
                written.add(frame.index)
                sink.write(frame)

        with sink:
            send(Counting(), 5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
            assert sink.split() == sink.split() == tmp_path / "show-2.mp4"
            send(Counting(), 5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["show-2.mp4", "show.mp4"]
    frames = 0
    for one in (path, tmp_path / "show-2.mp4"):
        with av.open(str(one)) as file:
            pictures, sound = file.streams.video[0], file.streams.audio[0]
            frames += sum(1 for packet in file.demux(pictures) if packet.pts is not None)
            lasts_s = [float((stream.duration or 0) * (stream.time_base or 0)) for stream in (pictures, sound)]
        assert lasts_s[0] > 4
        assert abs(lasts_s[0] - lasts_s[1]) < 0.4
        assert abs(measured(one).median_ms) < 20
    assert frames == len(written)


@pytest.mark.parametrize(("after", "files"), [(2, ["show-2.mp4", "show.mp4"]), (0, ["show.mp4"])])
def test_a_split_right_before_the_end_loses_no_picture(
    after: int, files: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with FileSink(str(tmp_path / "show.mp4"), CLAPPING) as sink:
        for number in range(20):
            sink.write(clapping_frame(number))
        sink.split()
        for number in range(20, 20 + after):
            sink.write(clapping_frame(number))
    assert sorted(one.name for one in tmp_path.iterdir()) == files
    counts: list[int] = []
    for one in files:
        with av.open(str(tmp_path / one)) as file:
            counts.append(sum(1 for _ in file.decode(video=0)))
    assert counts == ([2, 20] if after else [20])
    assert ("ended before" in caplog.text) is (after == 0)


@pytest.mark.parametrize(("quality", "encoders"), [(None, 1), (20, 2)])
def test_a_recording_that_is_made_as_the_stream_is_shares_its_encoder(
    quality: int | None, encoders: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[LiveVideo] = []

    def counted(wish: VideoWish) -> LiveVideo:
        made.append(LiveVideo(wish))
        return made[-1]

    monkeypatch.setattr("mien.sinks.live_tracks.LiveVideo", counted)
    sink = FileSink(str(tmp_path / "show.mp4"), CLAPPING)
    sink.studio = Studio(recording=RecordingWish(quality))
    stream = LiveTracks(sink.studio, stream_wish(CLAPPING, bit_rate_for(CLAPPING)))
    with sink:
        for number in range(20):
            sink.write(clapping_frame(number))
            stream.write(clapping_frame(number))
        stream.finish()  # the stream ends, the recording goes on
        for number in range(20, 40):
            sink.write(clapping_frame(number))
    assert len(made) == encoders
    with av.open(str(tmp_path / "show.mp4")) as file:
        assert sum(1 for _ in file.decode(video=0)) == 40


def test_recordings_are_as_small_as_is_wished(tmp_path: Path) -> None:
    sizes: dict[int, int] = {}
    for height in (90, 180):
        sink = FileSink(str(tmp_path / f"{height}.mp4"), CLAPPING)
        sink.studio = Studio(recording=RecordingWish(30, height))
        with sink:
            send(sink, 1)
        with av.open(str(tmp_path / f"{height}.mp4")) as file:
            assert file.streams.video[0].height == height
            assert file.streams.video[0].width == height * 16 // 9
        sizes[height] = (tmp_path / f"{height}.mp4").stat().st_size
    assert sizes[90] < sizes[180]
