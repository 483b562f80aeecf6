"""`mien faces show`: the picture it writes and the words it says."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.cli.main import main
from mien_models.types import BgrU8, as_u8


@pytest.fixture
def source_photo(portrait_png: Path) -> BgrU8:
    picture = as_u8(np.asarray(cv2.imread(str(portrait_png))))[0:256, 96:352]
    return as_u8(cv2.resize(picture, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC))


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def saved(picture: BgrU8, name: str) -> str:
    assert cv2.imwrite(name, picture)
    return name


def shown(path: str) -> BgrU8:
    picture = cv2.imread(path)
    assert picture is not None
    return as_u8(picture)


def test_a_picture_is_written_and_its_name_printed(source_photo: BgrU8, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faces", "show", saved(source_photo, "photo.png")]) == 0
    output = capsys.readouterr()
    assert output.out == "photo-understood.png\n"
    sheet = shown("photo-understood.png")
    assert sheet.shape[1] == 4 * 320
    frontal = sheet[-350:-30, 640:960]
    left, right = frontal[130:220, 90:160].astype(float), frontal[130:220, 160:230].astype(float)
    assert abs(np.log(left.mean() / right.mean())) < 0.1
    assert frontal[:10].std() < 2


def test_each_photo_gets_a_row_of_its_own(source_photo: BgrU8) -> None:
    names = [saved(source_photo, "a.png"), saved(as_u8(source_photo[::2, ::2]), "b.png")]
    assert main(["faces", "show", *names, "-o", "two.png"]) == 0
    assert main(["faces", "show", names[0], "-o", "one.png"]) == 0
    assert shown("two.png").shape[0] == shown("one.png").shape[0] * 3 // 2


def test_what_is_wrong_with_a_photo_is_said_in_words(source_photo: BgrU8, capsys: pytest.CaptureFixture[str]) -> None:
    shade = np.clip(np.linspace(2.2, -0.6, source_photo.shape[1]), 0.2, 1)[None, :, None]
    small = as_u8(cv2.resize(source_photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) * shade[:, ::2])
    assert main(["faces", "show", saved(small, "dim.png")]) == 0
    said = capsys.readouterr().err
    assert "dim.png: The face is 1" in said
    assert "The light is uneven" in said
    assert "Glasses" not in said
    assert main(["faces", "show", saved(source_photo, "fine.png")]) == 0
    assert "The light is uneven" not in capsys.readouterr().err


def test_a_name_that_is_no_photo_gets_a_helpful_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faces", "show", "anna"]) == 1
    assert "There is neither a face nor a photo" in capsys.readouterr().err
    assert main(["faces", "show", "anna.jpg"]) == 1
    assert "There is no photo 'anna.jpg'" in capsys.readouterr().err


@pytest.mark.parametrize(("output", "status"), [("photo.png", 2), ("sheet.txt", 1)])
def test_no_photo_is_overwritten_and_no_odd_format_begun(
    source_photo: BgrU8, output: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(saved(source_photo, "photo.png")).read_bytes()
    assert main(["faces", "show", "photo.png", "-o", output]) == status
    assert Path("photo.png").read_bytes() == before
    assert capsys.readouterr().out == ""
