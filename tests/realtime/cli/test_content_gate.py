"""What users see of the content gate: one sentence, no file, a card."""

import json
import shutil
from pathlib import Path

import pytest

from mien.cli.main import main
from mien.tracking.photo import public_domain_photo
from mien_models.types import BgrU8

ME = ("--face", "photo.png", "--consent", "public-domain")


@pytest.fixture(autouse=True)
def _intimate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(public_domain_photo(), "photo.png")

    def open_look(threads: int = 1) -> object:
        def look(image_bgr: BgrU8) -> float:
            return 0.95 if image_bgr.any() else threads * 0.0

        return look

    monkeypatch.setattr("mien.session.stages.open_look", open_look)


def test_nothing_is_written_of_a_picture(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["swap", *ME, "photo.png", "out.png"]) == 1
    assert "looks intimate" in capsys.readouterr().err
    assert sorted(path.name for path in Path().iterdir()) == ["photo.png"]


def test_it_can_be_left_out_of_one_run_and_the_log_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["swap", *ME, "photo.png", "out.png", "--content-gate", "off"]) == 0
    assert "gate is off" in capsys.readouterr().err
    assert main(["log", "show", "--json"]) == 0
    label = json.loads(capsys.readouterr().out)[2]
    assert label["fields"]["content_gate"] == "off"


def test_no_file_switches_it_off(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mien.toml").write_text('content_gate = "off"\n')
    assert main(["swap", *ME, "photo.png", "out.png"]) == 2
    assert "--content-gate off" in capsys.readouterr().err


def test_a_film_as_camera_ends_the_run_with_a_card(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path("film")
    folder.mkdir()
    for number in range(40):
        shutil.copy("photo.png", folder / f"{number:03}.png")
    words = ["run", *ME, "--camera", "film", "--sink", "null", "--fps", "10", "--report", "report.json"]
    assert main(words) == 1
    assert "looks intimate" in capsys.readouterr().err
    changes = json.loads(Path("report.json").read_text())["state_changes"]
    assert changes[-1]["state"] == "fault"
