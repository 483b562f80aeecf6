"""Tags, time codes, subtitles and data of a video: kept in the output, or said to be left out."""

import shutil
import struct
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type
from av.video.stream import VideoStream

from mien.media.video.side_data import side_data_of
from mien.pipeline.offline import swap_file
from mien.pipeline.offline.other_streams import kept_tags
from mien.pipeline.offline.video import lost_tags, tag_options

Clips = Callable[..., Path]
TELEPHONE = {
    "com.apple.quicktime.creationdate": "2023-05-06T07:08:09+0200",
    "com.apple.quicktime.location.ISO6709": "+48.1375+011.5750+520.000/",
    "com.apple.quicktime.make": "Maker",
    "com.apple.quicktime.model": "Model 15",
    "com.android.version": "13",
    "creation_time": "2023-05-06T05:08:09.000000Z",
    "title": "Ein Titel",
}


def write_tagged(path: Path, tags: dict[str, str], *, as_keys: bool = False, timecode: str | None = None) -> Path:
    options = {"movflags": "use_metadata_tags"} if as_keys else {}
    with av.open(str(path), "w", options=options) as target:
        target.metadata.update(tags)
        stream = target.add_stream("libx264", rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        if timecode:
            stream.metadata["timecode"] = timecode
        for _ in range(4):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "bgr24")))
        target.mux(stream.encode(None))
    return path


def tags_in(path: Path) -> dict[str, str]:
    with av.open(str(path)) as video:
        return dict(video.metadata)


@pytest.mark.parametrize("target", [".mp4", ".mov"])
def test_what_a_telephone_says_of_a_film_is_kept(brighten: Any, tmp_path: Path, target: str) -> None:
    source = write_tagged(tmp_path / "in.mov", TELEPHONE, as_keys=True)
    result = swap_file(source, tmp_path / f"out{target}", [brighten])
    found = tags_in(tmp_path / f"out{target}")
    assert {key: found.get(key) for key in TELEPHONE} == TELEPHONE
    assert (result.notes, result.is_signed) == ((), True)


def test_make_and_model_of_a_camera_are_kept_in_an_mp4(tmp_path: Path) -> None:
    source = write_tagged(tmp_path / "in.mov", {"make": "Maker", "model": "Model", "location": "+48.1375+011.5750/"})
    swap_file(source, tmp_path / "out.mp4", [])
    found = tags_in(tmp_path / "out.mp4")
    assert (found["make"], found["model"], found["location"]) == ("Maker", "Model", "+48.1375+011.5750/")


def test_a_title_alone_stays_where_players_look_for_it(tmp_path: Path) -> None:
    assert tag_options({"title": "T", "artist": "A", "comment": "c"}, "mp4") == {}
    swap_file(write_tagged(tmp_path / "in.mp4", {"title": "T"}), tmp_path / "out.mp4", [])
    assert b"\xa9nam" in (tmp_path / "out.mp4").read_bytes()


def test_what_a_file_says_of_its_own_streams_is_not_carried_over(tmp_path: Path) -> None:
    source = write_tagged(tmp_path / "in.flv", {"title": "T"})
    assert set(kept_tags({**tags_in(source), "ENCODER": "x", "MAJOR_BRAND": "isom"})) <= {"title"}


def test_tags_that_the_output_has_no_place_for_are_said(tmp_path: Path) -> None:
    result = swap_file(write_tagged(tmp_path / "in.mp4", {"title": "T"}), tmp_path / "out.gif", [])
    assert any("no place for these tags: title" in note for note in result.notes)
    assert lost_tags({"title": "T", "com.example.any": "x"}, "mp4", {}) == ["com.example.any"]


@pytest.mark.parametrize("target", [".mp4", ".mov"])
def test_a_time_code_is_kept_and_nothing_else_is_said_of_it(tmp_path: Path, target: str) -> None:
    source = write_tagged(tmp_path / "in.mov", {}, timecode="01:02:03:04")
    result = swap_file(source, tmp_path / f"out{target}", [])
    assert result.notes == ()
    with av.open(str(tmp_path / f"out{target}")) as video:
        assert video.streams.video[0].metadata["timecode"] == "01:02:03:04"


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("codec", ["subrip", "ass", "webvtt"])
def test_subtitles_in_text_are_read_in_the_output_as_they_were(tmp_path: Path, codec: str) -> None:
    lines = "1\n00:00:00,040 --> 00:00:00,080\nHello <i>you</i>\n\n2\n00:00:00,090 --> 00:00:00,150\nÜber 2\n"
    (tmp_path / "in.srt").write_text(lines)
    write_tagged(tmp_path / "plain.mp4", {})
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "plain.mp4"), "-i", str(tmp_path / "in.srt")]
    film = str(tmp_path / "in.mkv")
    subprocess.run([*command, "-c:v", "copy", "-c:s", codec, "-metadata:s:s:0", "language=deu", film], check=True)
    result = swap_file(tmp_path / "in.mkv", tmp_path / "out.mp4", [])
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "out.mp4"), "-map", "0:s", "-f", "srt", "-"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert ("Hello <i>you</i>" in found, "Über 2" in found) == (True, True)
    if codec != "ass":  # which counts in hundredths
        assert "00:00:00,040 --> 00:00:00,080" in found
    with av.open(str(tmp_path / "out.mp4")) as video:
        assert video.streams.subtitles[0].language == "deu"
    assert [note for note in result.notes if "subtitles" in note] == list(result.notes)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_chapters_are_kept_and_their_track_is_not_said_to_be_lost(tmp_path: Path) -> None:
    write_tagged(tmp_path / "plain.mp4", {})
    chapter = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=80\ntitle=One\n"
    (tmp_path / "chapters.txt").write_text(chapter)
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "plain.mp4"), "-i", str(tmp_path / "chapters.txt")]
    subprocess.run([*command, "-map_metadata", "1", "-c", "copy", str(tmp_path / "in.mp4")], check=True)
    result = swap_file(tmp_path / "in.mp4", tmp_path / "out.mp4", [])
    assert result.notes == ()
    with av.open(str(tmp_path / "out.mp4")) as video:
        assert [found["metadata"]["title"] for found in video.chapters()] == ["One"]


def test_a_stream_of_data_is_left_out_and_said_by_its_name(tmp_path: Path) -> None:
    write_tagged(tmp_path / "plain.mp4", {})
    source = tmp_path / "in.ts"
    with av.open(str(tmp_path / "plain.mp4")) as old, av.open(str(source), "w") as new:
        copied = new.add_stream_from_template(old.streams.video[0], opaque=True)
        data = new.add_data_stream("klv")
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = copied
                new.mux(packet)
        telemetry = av.Packet(b"\x06\x0e+4 where it was")
        telemetry.pts = telemetry.dts = 0
        telemetry.time_base, telemetry.stream = copied.time_base or Fraction(1), data
        new.mux(telemetry)
    result = swap_file(source, tmp_path / "out.mp4", [])
    assert any("The data stream (klv) cannot be kept in mp4" in note for note in result.notes)


def test_a_film_that_is_seen_all_around_still_is(brighten: Any, tmp_path: Path) -> None:
    source = write_tagged(tmp_path / "in.mp4", {})
    content = "<?xml version='1.0'?><rdf:SphericalVideo xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' "
    content += "xmlns:GSpherical='http://ns.google.com/videos/1.0/spherical/'><GSpherical:Spherical>true"
    content += "</GSpherical:Spherical><GSpherical:Stitched>true</GSpherical:Stitched>"
    content += "<GSpherical:StitchingSoftware>x</GSpherical:StitchingSoftware><GSpherical:ProjectionType>"
    content += "equirectangular</GSpherical:ProjectionType><GSpherical:StereoMode>top-bottom</GSpherical:StereoMode>"
    content += "</rdf:SphericalVideo>"
    identity = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
    box = struct.pack(">I", 24 + len(content)) + b"uuid" + identity + content.encode()
    film = bytearray(source.read_bytes())
    track = film.index(b"trak") - 4
    end = track + int.from_bytes(film[track : track + 4], "big")
    for kind in (b"trak", b"moov"):
        place = film.index(kind) - 4
        size = int.from_bytes(film[place : place + 4], "big")
        film[place : place + 4] = struct.pack(">I", size + len(box))
    film[end:end] = box
    source.write_bytes(film)
    for name in ("out.mp4", "out.mov"):
        result = swap_file(source, tmp_path / name, [brighten])
        assert (result.notes, result.is_signed) == ((), True)
        with av.open(str(tmp_path / name)) as video:
            frames = list(video.decode(video=0))
        assert len(frames) == 4
        for frame in frames:
            assert side_data_of(frame, Type.SPHERICAL) is not None
            assert struct.unpack("=i", (side_data_of(frame, Type.STEREO3D) or b"")[:4]) == (2,)
    result = swap_file(source, tmp_path / "out.gif", [])
    assert any("seen all around" in note for note in result.notes)
