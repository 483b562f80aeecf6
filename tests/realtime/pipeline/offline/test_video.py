"""Videos: every frame in order, its time, its colours, and everything that is no picture."""

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from PIL import Image
from tests.realtime.media.display_matrix import RIGHT_ANGLES, set_display_matrix

from mien.media.video.upright import orientation_of
from mien.pipeline.frame import Frame
from mien.pipeline.offline import swap_file
from mien.sources.backends.video import VideoSource
from mien_models.errors import MienError, SinkError, SourceError, UsageError

Clips = Callable[..., Path]


def frames_of(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as video:
        return list(video.decode(video=0))


def bgr(frame: av.VideoFrame) -> np.ndarray[Any, Any]:
    return frame.to_ndarray(format="bgr24").astype(int)


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov"])
def test_every_frame_is_written_in_order_and_only_swapped_pixels_change(
    make_clip: Clips, brighten: Any, tmp_path: Path, suffix: str
) -> None:
    source = make_clip("ein Film ß.mp4", frames=14)
    seen: list[tuple[int, int | None]] = []
    result = swap_file(
        source, tmp_path / f"out{suffix}", [brighten], progress=lambda done, total: seen.append((done, total))
    )
    before, after = frames_of(source), frames_of(tmp_path / f"out{suffix}")
    assert len(before) == len(after) == result.frames_written == 14
    assert seen == [(n, 14) for n in range(1, 15)]
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        assert new.time == pytest.approx(old.time, abs=1e-3)
        difference = np.abs(bgr(old) - bgr(new))
        assert difference[:, :28].mean() < 2
        assert (bgr(new)[30:, 36:].mean() > 240) == (index % 2 == 0)
    assert (result.frames_swapped, result.is_complete, result.notes) == (7, True, ())
    report = result.report
    assert report.frames_in + report.repeated == report.frames_out + report.dropped
    assert set(report.stages) == {"decode", "swap", "encode", "sign"}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([source.name, f"out{suffix}"])


def test_varying_times_are_kept_to_the_tick(make_clip: Clips, brighten: Any, tmp_path: Path) -> None:
    pts = [0, 1001, 3003, 3100, 9009, 9500, 20_000]
    source = make_clip("in.mp4", frames=7, time_base=Fraction(1, 30_000), pts=pts, rate=Fraction(30))
    swap_file(source, tmp_path / "out.mp4", [brighten])
    written = [
        frame.pts * frame.time_base
        for frame in frames_of(tmp_path / "out.mp4")
        if frame.pts is not None and frame.time_base
    ]
    assert written == [Fraction(n, 30_000) for n in pts]
    assert [p.captured_ns for p in brighten.seen] == [int(Fraction(n, 30_000) * 10**9) for n in pts]


def audio_packets(path: Path) -> list[tuple[Any, bytes]]:
    with av.open(str(path)) as video:
        return [(float(p.pts * p.time_base), bytes(p)) for p in video.demux(audio=0) if p.pts is not None]


def test_sound_is_copied_bit_for_bit_and_tags_are_kept(make_clip: Clips, brighten: Any, tmp_path: Path) -> None:
    source = make_clip("in.mp4", frames=25, audio="aac", metadata={"title": "Ein Titel", "comment": "c"})
    result = swap_file(source, tmp_path / "out.mp4", [brighten])
    before, after = audio_packets(source), audio_packets(tmp_path / "out.mp4")
    assert [content for _, content in before] == [content for _, content in after]
    assert [at for at, _ in before] == pytest.approx([at for at, _ in after])
    with av.open(str(tmp_path / "out.mp4")) as video:
        assert video.metadata["title"] == "Ein Titel"
    assert result.notes == ()


@pytest.mark.parametrize(
    ("source", "audio", "target", "codec"),
    [
        ("in.mkv", "wavpack", ".mp4", "aac"),
        ("in.mkv", "wavpack", ".mov", "aac"),
    ],
)
def test_sound_that_cannot_be_copied_is_encoded_and_said(
    make_clip: Clips, brighten: Any, tmp_path: Path, source: str, audio: str, target: str, codec: str
) -> None:
    path = make_clip(source, frames=25, audio=audio)
    result = swap_file(path, tmp_path / f"out{target}", [brighten])
    with av.open(str(tmp_path / f"out{target}")) as video:
        assert video.streams.audio[0].codec_context.name.startswith(codec)
        samples = np.concatenate([frame.to_ndarray()[0] for frame in video.decode(audio=0)])
    assert len(samples) >= 48_000
    assert any("encoded as" in note for note in result.notes)


@pytest.mark.parametrize("colour", [(1, 1, 1, 1), (5, 2, 5, 6), (9, 1, 9, 14)])
def test_colours_and_their_tags_come_back(
    make_clip: Clips, brighten: Any, tmp_path: Path, colour: tuple[int, int, int, int]
) -> None:
    source = make_clip("in.mp4", colour=colour)
    swap_file(source, tmp_path / "out.mp4", [brighten])
    for old, new in zip(frames_of(source), frames_of(tmp_path / "out.mp4"), strict=True):
        assert (new.colorspace, new.color_range, new.color_primaries, new.color_trc) == colour
        assert np.abs(old.to_ndarray()[:20, :28].astype(int) - new.to_ndarray()[:20, :28]).mean() < 1.5


@pytest.mark.parametrize(("pix_fmt", "kept"), [("yuv444p", "yuv444p"), ("yuv420p10le", "yuv420p10le")])
def test_chroma_and_depth_are_kept(make_clip: Clips, brighten: Any, tmp_path: Path, pix_fmt: str, kept: str) -> None:
    swap_file(make_clip("in.mp4", pix_fmt=pix_fmt), tmp_path / "out.mp4", [brighten])
    assert frames_of(tmp_path / "out.mp4")[0].format.name == kept


def test_odd_sizes_are_kept_exactly(make_clip: Clips, brighten: Any, tmp_path: Path) -> None:
    source = make_clip("in.mkv", size=(63, 47), codec="ffv1", pix_fmt="yuv444p")
    result = swap_file(source, tmp_path / "out.mp4", [brighten])
    after = frames_of(tmp_path / "out.mp4")[0]
    assert (after.width, after.height) == (63, 47)
    source = make_clip("in2.mkv", size=(63, 47), codec="ffv1", pix_fmt="yuv420p")
    result = swap_file(source, tmp_path / "out2.mp4", [brighten])
    after = frames_of(tmp_path / "out2.mp4")[0]
    assert (after.width, after.height) == (63, 47)
    assert any("63x47" in note for note in result.notes)


@pytest.mark.parametrize("matrix", RIGHT_ANGLES.values(), ids=RIGHT_ANGLES)
def test_a_turned_or_mirrored_video_is_written_upright(
    make_clip: Clips, brighten: Any, tmp_path: Path, matrix: tuple[int, int, int, int]
) -> None:
    source = make_clip("in.mp4", size=(64, 48))
    stored = bgr(frames_of(source)[1])
    a, b, c, d = matrix
    set_display_matrix(source, *matrix)
    swap_file(source, tmp_path / "out.mp4", [brighten])
    shown = stored.swapaxes(0, 1) if b else stored
    shown = shown[:: b or d, :: c or a]
    assert brighten.seen[0].image.shape == shown.shape
    after = frames_of(tmp_path / "out.mp4")[1]
    assert orientation_of(after).is_upright
    assert np.abs(bgr(after) - shown).mean() < 4


def test_a_video_turned_by_an_odd_angle_keeps_its_size_and_is_said(
    make_clip: Clips, brighten: Any, tmp_path: Path
) -> None:
    source = make_clip("in.mp4", size=(64, 48))
    set_display_matrix(source, 0.8, 0.6, -0.6, 0.8)
    result = swap_file(source, tmp_path / "out.mp4", [brighten])
    after = frames_of(tmp_path / "out.mp4")[1]
    assert (after.width, after.height) == (64, 48)
    assert bgr(after)[0, 0].max() < 20
    assert any("turned by 37 degrees" in note for note in result.notes)


def test_a_gif_becomes_a_gif_or_a_film(brighten: Any, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (33, 20), colour) for colour in ("red", "blue", "green", "yellow")]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:], duration=[100, 200, 50, 100], loop=0)
    for name in ("out.gif", "out.mp4"):
        result = swap_file(tmp_path / "in.gif", tmp_path / name, [brighten])
        after = frames_of(tmp_path / name)
        assert len(after) == result.frames_written == 4
        assert [frame.time for frame in after] == pytest.approx([0, 0.1, 0.3, 0.35], abs=0.011)
        assert np.abs(bgr(after[1])[5, 5] - (255, 0, 0)).max() < 12


def test_a_truncated_video_is_written_as_far_as_it_goes_and_said(
    make_clip: Clips, brighten: Any, tmp_path: Path
) -> None:
    whole = make_clip("whole.mkv", frames=200, size=(160, 120), audio="aac")
    (tmp_path / "in.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    result = swap_file(tmp_path / "in.mkv", tmp_path / "out.mp4", [brighten])
    assert not result.is_complete
    assert 20 < result.frames_written < 190
    assert len(frames_of(tmp_path / "out.mp4")) == result.frames_written
    assert "cut off or damaged" in result.notes[-1]


def test_a_truncated_mp4_with_its_index_in_front_says_how_many_there_should_be(
    make_clip: Clips, brighten: Any, tmp_path: Path
) -> None:
    source = make_clip("plain.mp4", frames=200, size=(160, 120))
    with (
        av.open(str(source)) as old,
        av.open(str(tmp_path / "fast.mp4"), "w", options={"movflags": "faststart"}) as new,
    ):
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    whole = (tmp_path / "fast.mp4").read_bytes()
    (tmp_path / "in.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    result = swap_file(tmp_path / "in.mp4", tmp_path / "out.mp4", [brighten])
    assert not result.is_complete
    assert "of 200 frames" in result.notes[-1]


def test_a_size_that_changes_midway_is_fitted_and_said(make_clip: Clips, brighten: Any, tmp_path: Path) -> None:
    parts = [make_clip(f"{n}.h264", size=size, frames=6) for n, size in enumerate([(64, 48), (96, 48)])]
    (tmp_path / "in.h264").write_bytes(b"".join(part.read_bytes() for part in parts))
    result = swap_file(tmp_path / "in.h264", tmp_path / "out.mp4", [brighten])
    assert [(frame.width, frame.height) for frame in frames_of(tmp_path / "out.mp4")] == [(64, 48)] * 12
    assert sum("changes its size to 96x48" in note for note in result.notes) == 1
    assert {frame.image.shape for frame in brighten.seen} == {(48, 64, 3)}


def test_pictures_in_a_row_are_a_video(make_clip: Clips, brighten: Any, tmp_path: Path) -> None:
    source = make_clip("in.mjpeg", codec="mjpeg", pix_fmt="yuvj420p")
    assert swap_file(source, tmp_path / "out.mp4", [brighten]).frames_written == 12


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, RuntimeError, SinkError])
def test_an_interrupted_run_leaves_nothing(
    make_clip: Clips, brighten: Any, tmp_path: Path, stop: type[BaseException]
) -> None:
    source = make_clip("in.mp4")
    (tmp_path / "out.mp4").write_bytes(b"old")

    def interrupt(done: int, _total: int | None) -> None:
        if done == 5:
            raise stop

    with pytest.raises(stop):
        swap_file(source, tmp_path / "out.mp4", [brighten], progress=interrupt)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]
    assert (tmp_path / "out.mp4").read_bytes() == b"old"


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_a_full_disk_is_one_sentence_and_leaves_nothing(make_clip: Clips, tmp_path: Path) -> None:
    source = make_clip("in.mp4", frames=60, size=(320, 240), audio="aac")
    (tmp_path / "to").mkdir()
    program = f"""
import resource
from pathlib import Path
from mien.pipeline.offline import swap_file
from mien.sources.backends.video import VideoSource
from mien_models.errors import SinkError
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
try:
    swap_file(Path({str(source)!r}), Path({str(tmp_path / "to" / "out.mp4")!r}), [])
except SinkError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert "Cannot write" in done.stdout
    assert "out.mp4" in done.stdout
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")
    assert list((tmp_path / "to").iterdir()) == []


def nothing(frame: Frame) -> Frame:
    return frame


def test_names_that_cannot_be_are_refused_before_any_work(make_clip: Clips, brighten: Any, tmp_path: Path) -> None:
    source = make_clip("in.mp4")
    (tmp_path / "text.mp4").write_text("I am no film\n" * 100)
    (tmp_path / "empty.mp4").touch()
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as target:
        stream = target.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        target.mux(stream.encode(frame))
    before = sorted(tmp_path.iterdir())
    wrong: list[tuple[Path, str, type[MienError], str]] = [
        (source, "in.mp4", UsageError, "overwrite the input"),
        (source, "nowhere/out.mp4", SinkError, "does not exist"),
        (source, "out.xyz", SinkError, r"Use one of \.mp4"),
        (source, "out", SinkError, "no suffix"),
        (source, "out.png", UsageError, "is a video"),
        (tmp_path / "missing.mp4", "out.mp4", SourceError, "There is no file"),
        (tmp_path, "out.mp4", SourceError, "is a folder"),
        (tmp_path / "text.mp4", "out.mp4", SourceError, "no video|text"),
        (tmp_path / "empty.mp4", "out.mp4", SourceError, "is empty"),
        (sound, "out.mp4", SourceError, "holds no video, only audio"),
    ]
    for path, name, kind, sentence in wrong:
        with pytest.raises(kind, match=sentence) as caught:
            swap_file(path, tmp_path / name, [brighten])
        assert len(str(caught.value).splitlines()) == 1
    assert brighten.seen == []
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
@pytest.mark.parametrize(("said", "turn"), [("rotate=90", np.rot90), ("flip=horizontal", np.fliplr)])
def test_how_pictures_lie_may_be_said_in_the_first_of_them_alone(
    make_clip: Clips, brighten: Any, tmp_path: Path, said: str, turn: Callable[..., Any], suffix: str
) -> None:
    plain, source = make_clip("plain.mp4", frames=9), tmp_path / "in.mp4"
    with av.open(str(plain)) as read, av.open(str(source), "w") as target:
        stream = read.streams.video[0]
        copied = target.add_stream_from_template(stream)
        insert = BitStreamFilterContext(f"h264_metadata=display_orientation=insert:{said}", stream)
        for packet in read.demux(stream):
            for changed in cast("list[Any]", insert.filter(packet if packet.size else None)):
                changed.stream = copied
                target.mux(changed)
    assert len({orientation_of(frame) for frame in frames_of(source)}) == 2
    swap_file(source, tmp_path / f"out{suffix}", [brighten])
    before, after = frames_of(plain), frames_of(tmp_path / f"out{suffix}")
    assert len(after) == 9
    for old, new in zip(before[1::2], after[1::2], strict=True):
        assert np.abs(turn(bgr(old)) - bgr(new)).mean() < 6
    with VideoSource(source) as played:
        shown = [played.read() for _ in range(9)]
    for old, seen in zip(before, shown, strict=True):
        assert seen is not None
        assert np.abs(turn(bgr(old)) - seen.image).mean() < 6


def test_pictures_that_would_fill_the_memory_are_not_decoded(
    make_clip: Clips, brighten: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_clip("in.mp4", frames=3)
    monkeypatch.setattr("mien.media.video.upright.MAX_PIXELS", 500)
    with pytest.raises(SourceError, match=r"No frame .+ can be decoded"):
        swap_file(source, tmp_path / "out.mp4", [brighten])
    with pytest.raises(SourceError, match="without a single frame"), VideoSource(source) as played:
        played.read()
