"""`mien run` from its flags to its report."""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mien.cli.main import main
from mien.tracking.photo import public_domain_photo
from mien_models.types import as_u8

Words = Sequence[str]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of one face, 320 x 240, 15 frames a second; a name with a space and a letter beyond ASCII."""
    source_photo = cv2.imread(str(public_domain_photo()))
    assert source_photo is not None
    face = cv2.resize(source_photo[0:300, 56:456], (320, 240), interpolation=cv2.INTER_AREA)
    path = tmp_path_factory.mktemp("clips") / "ein Gesicht ä.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=15)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for shift in range(15):
            frame = av.VideoFrame.from_ndarray(as_u8(np.roll(face, shift // 3, axis=1)), "bgr24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    source_photo = cv2.imread(str(public_domain_photo()))
    assert source_photo is not None
    path = tmp_path / "photo.jpg"
    assert cv2.imwrite(str(path), source_photo)
    return path


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _frames(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]


def test_a_clip_is_played_swapped_recorded_and_reported(
    clip: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--face", str(photo), "--consent", "public-domain", "--camera", str(clip)]
    assert main([*words, "--sink", "file:out.mp4", "--sink", "null", "--report", "report.json"]) == 0
    output = capsys.readouterr()
    assert output.out == ""
    assert "Traceback" not in output.err
    for said in (
        "Face: photo.jpg",
        "ein Gesicht ä.mp4",
        "320x240",
        "Swapper: mesh",
        "litert-cpu",
        "Done: 15 frames in",
    ):
        assert said in output.err
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert report["frames_in"] == 15
    assert report["frames_swapped"] > 0
    assert report["notes"]["consent"] == "public-domain"
    assert report["providers"] == {"blazeface_short_range": "litert-cpu", "facemesh_468": "litert-cpu"}
    assert set(report["stages"]) >= {"track", "swap", "colour", "composite", "marks"}
    frames = _frames(Path("out.mp4"))
    assert frames
    assert {frame.shape for frame in frames} == {(240, 320, 3)}


def test_a_program_without_consent_gets_exit_2_and_the_sentence(
    clip: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--face", str(photo), "--camera", str(clip), "--sink", "null"]
    assert main(words) == 2
    assert "--consent self|granted|synthetic|public-domain" in capsys.readouterr().err
    assert main([*words, "--consent", "self"]) == 0
    assert main(words) == 0


def test_consent_is_kept_for_each_of_several_photos(
    clip: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = cv2.imread(str(photo))
    assert picture is not None
    other = photo.with_name("other.png")
    assert cv2.imwrite(str(other), picture[:, ::-1])
    words = ["run", "--camera", str(clip), "--sink", "null", "--seconds", "0.5", "--face", str(photo)]
    assert main([*words, "--consent", "public-domain"]) == 0
    assert main([*words, "--face", str(other)]) == 2
    assert "other.png" in capsys.readouterr().err
    assert main([*words, "--face", str(other), "--consent", "public-domain"]) == 0
    assert main([*words, "--face", str(other)]) == 0


def test_a_label_is_left_out_for_one_run_only_and_the_report_keeps_that(
    clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--camera", str(clip), "--sink", "null", "--report", "report.json"]
    assert main([*words, "--label", "off"]) == 0
    assert "for this run only" in capsys.readouterr().err
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert report["notes"]["label"] == "off"
    assert len(report["notes"]["session"]) == 6
    assert report["stages"]["marks"]["p50_ms"] > 0


def test_without_a_virtual_camera_or_a_display_it_runs_and_says_what_to_install(
    clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mien.sinks.backends.virtualcam._is_there", lambda: False)
    monkeypatch.setattr("mien.sinks.backends.window.has_display", lambda: False)
    assert main(["run", "--camera", str(clip)]) == 0
    said = capsys.readouterr().err
    assert "nobody sees the picture: --sink file:out.mp4 records it" in said
    assert "Install" in said


def test_a_sink_that_cannot_open_is_said_once_and_the_others_go_on(
    clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--camera", str(clip), "--sink", "file:nowhere/out.mp4"]
    assert main(words) == 1
    assert capsys.readouterr().err.count("Cannot write") == 1
    assert main([*words, "--sink", "file:out.mp4"]) == 0
    assert "nowhere" in capsys.readouterr().err
    assert _frames(Path("out.mp4"))


def test_the_output_has_the_size_and_rate_that_were_asked_for(clip: Path) -> None:
    words = ["run", "--camera", str(clip), "--sink", "file:out.mp4", "--size", "200x200", "--fps", "10"]
    assert main(words) == 0
    assert _frames(Path("out.mp4"))[0].shape == (200, 200, 3)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--camera", "none.mp4", "--sink", "null"], 1, "none.mp4"),
        (["--camera", "text.mp4", "--sink", "null"], 1, "text.mp4"),
        (["--camera", "empty.mp4", "--sink", "null"], 1, "empty.mp4"),
        (["--camera", "", "--sink", "null"], 1, "empty"),
        (["--face", "none.jpg"], 1, "no photo"),
        (["--face", "text.jpg"], 1, "text.jpg"),
        (["--face", "grey.png", "--consent", "self", "--camera", "CLIP", "--sink", "null"], 1, "No face"),
        (["--camera", "CLIP", "--sink", "nul"], 2, "Did you mean 'null'?"),
        (["--camera", "CLIP", "--sink", "out.mp4"], 2, "file:out.mp4"),
        (["--camera", "CLIP", "--sink", "null", "--swapper", "mush"], 2, "mesh"),
        (["--camera", "CLIP", "--sink", "null", "--colour", "mkk"], 2, "mkl"),
        (["--camera", "CLIP", "--sink", "null", "--report", "nowhere/r.json"], 1, "make 'nowhere' first"),
        (["--camera", "empty.mp4", "--sink", "null", "--sink", "file:./empty.mp4"], 2, "overwrite the input"),
        (["--camera", "CLIP", "--sink", "null", "--report", "CLIP"], 2, "overwrite the input"),
        (["--face", "grey.png#1", "--camera", "CLIP", "--sink", "file:grey.png"], 2, "overwrite the input"),
    ],
)
def test_bad_input_is_one_sentence_and_an_exit_status(
    words: Words, status: int, said: str, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("text.mp4").write_text("no video at all", encoding="utf-8")
    Path("text.jpg").write_text("no photo at all", encoding="utf-8")
    Path("empty.mp4").touch()
    assert cv2.imwrite("grey.png", np.full((300, 300, 3), 128, np.uint8))
    assert main(["run", *(str(clip) if word == "CLIP" else word for word in words)]) == status
    output = capsys.readouterr()
    assert output.out == ""
    assert "Traceback" not in output.err
    assert "is at fault" not in output.err
    assert said in output.err.splitlines()[-1]


def test_the_settings_that_count_are_printed_and_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--fps", "30000/1001", "--sink", "null", "--print-config"]) == 0
    Path("mien.toml").write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["run", "--print-config"]) == 0
    printed = capsys.readouterr().out
    assert str(Fraction(30000, 1001)) in printed
    assert 'sinks = [\n    "null",\n]' in printed
