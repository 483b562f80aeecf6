"""`mien swap` from its arguments to the file."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.cli.main import main
from mien.tracking.photo import public_domain_photo


@pytest.fixture(autouse=True)
def _in_a_folder_with_a_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(public_domain_photo(), "photo.png")
    source_photo = cv2.imread("photo.png")
    assert source_photo is not None
    assert cv2.imwrite("in put ü.png", np.ascontiguousarray(source_photo[:, ::-1]))
    assert cv2.imwrite("grey.png", np.full((240, 320, 3), 128, np.uint8))


def test_a_picture_is_swapped_labelled_and_reported(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["swap", "--face", "photo.png", "--consent", "public-domain", "in put ü.png", "out.png"]
    assert main([*words, "--report", "report.json"]) == 0
    assert "out.png: 1 frame, 1 of them swapped" in capsys.readouterr().err
    before, after = cv2.imread("in put ü.png"), cv2.imread("out.png")
    assert before is not None
    assert after is not None
    changed = np.asarray(cv2.absdiff(before, after)).max(axis=2) > 5
    assert 0.005 < changed.mean() < 0.2
    assert changed[:40, -200:].any(), "the label is missing"
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert (report["frames_in"], report["frames_swapped"], report["frames_out"]) == (1, 1, 1)
    assert report["notes"]["consent"] == "public-domain"


def test_a_label_is_left_out_and_the_law_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["swap", "in put ü.png", "out.png", "--label", "off", "--report", "r.json"]) == 0
    before, after = cv2.imread("in put ü.png"), cv2.imread("out.png")
    assert before is not None
    assert after is not None
    assert "AI Act" in capsys.readouterr().err
    assert np.abs(before[:40, -200:].astype(int) - after[:40, -200:]).max() <= 4
    assert json.loads(Path("r.json").read_text(encoding="utf-8"))["notes"]["label"] == "off"


def test_a_picture_without_a_face_passes_unchanged_and_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["swap", "grey.png", "out.png"]) == 0
    assert Path("out.png").read_bytes() == Path("grey.png").read_bytes()
    assert "No face was swapped" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["none.mp4", "out.mp4"], 1, "none.mp4"),
        (["cut.png", "out.png"], 1, "cut.png"),
        (["text.mp4", "out.mp4"], 1, "text.mp4"),
        (["grey.png", "grey.png"], 2, "overwrite"),
        (["--face", "photo.png#1", "grey.png", "photo.png"], 2, "overwrite"),
        (["grey.png", "out.png", "--report", "grey.png"], 2, "overwrite"),
        (["grey.png", "nowhere/out.png"], 1, "nowhere"),
        (["grey.png"], 2, "OUTPUT"),
        (["--face", "one.png", "--consent", "self", "grey.png", "out.png"], 1, "No face"),
        (["--face", "cut.png", "--consent", "self", "grey.png", "out.png"], 1, "cut.png"),
        (["--face", "photo.png#7", "--consent", "self", "grey.png", "out.png"], 1, "no number 7"),
        (["--face", "photo.png", "grey.png", "out.png"], 2, "--consent"),
        (["grey.png", "out.png", "--report", "nowhere/r.json"], 1, "nowhere/r.json"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_no_half_file(
    words: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("text.mp4").write_text("no video at all", encoding="utf-8")
    Path("cut.png").write_bytes(Path("photo.png").read_bytes()[:5000])
    assert cv2.imwrite("one.png", np.zeros((1, 1, 3), np.uint8))
    before = {path.name for path in Path().iterdir()}
    assert main(["swap", *words]) == status
    output = capsys.readouterr()
    assert output.out == ""
    assert "Traceback" not in output.err
    assert "is at fault" not in output.err
    assert said in output.err
    assert {path.name for path in Path().iterdir()} - before <= ({"out.png"} if "--report" in words else set())


def test_a_report_that_could_not_be_written_is_refused_before_any_work(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["swap", "--face", "photo.png", "--consent", "public-domain", "in put ü.png", "out.png"]
    assert main([*words, "--report", "no such folder/report.json"]) == 1
    assert "make 'no such folder' first" in capsys.readouterr().err
    assert not Path("out.png").exists()
