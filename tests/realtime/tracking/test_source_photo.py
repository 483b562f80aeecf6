"""`--face`: which photo and which of its faces."""

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.tracking.photo import photo_address, public_domain_photo, read_source_photo, source_face_from
from mien_models.errors import PhotoError
from mien_models.types import Face


@pytest.fixture(scope="module")
def one() -> np.ndarray:
    picture = cv2.imread(str(public_domain_photo()))
    assert picture is not None
    return picture[:256, 96:352]


def _face(address: str) -> Face:
    return source_face_from([read_source_photo(photo_address(address))]).best.face


def _saved(picture: np.ndarray, path: Path) -> str:
    assert cv2.imwrite(str(path), picture)
    return str(path)


@pytest.fixture
def two(one: np.ndarray, tmp_path: Path) -> str:
    """A small face on the left, a large one on the right."""
    small = cv2.resize(one, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    canvas = np.full((300, 520, 3), 90, np.uint8)
    canvas[20 : 20 + small.shape[0], 10 : 10 + small.shape[1]] = small
    canvas[20:276, 256:512] = one
    return _saved(canvas, tmp_path / "two.png")


def test_the_public_domain_portrait_is_found_and_shows_one_face(caplog: pytest.LogCaptureFixture) -> None:
    face = _face(str(public_domain_photo()))
    assert 80 < face.width_px < 110
    assert not caplog.records


def test_of_two_faces_the_largest_is_taken_and_it_is_said_which(two: str, caplog: pytest.LogCaptureFixture) -> None:
    face = _face(two)
    assert face.box_xyxy[0] > 256
    assert "two.png shows 2 faces; the largest is taken, number 2 from the left (on the right)" in caplog.text
    assert "--face two.png#N" in caplog.text


def test_a_number_chooses_from_the_left(two: str, caplog: pytest.LogCaptureFixture) -> None:
    assert _face(f"{two}#1").box_xyxy[2] < 256
    assert _face(f"{two}#2").box_xyxy[0] > 256
    assert "largest" not in caplog.text


def test_a_number_without_a_face_is_refused_with_the_numbers_there_are(two: str) -> None:
    with pytest.raises(PhotoError, match=r"shows 2 faces, so there is no number 3"):
        _face(f"{two}#3")


@pytest.mark.parametrize("number", ["0", "two", "-1", ""])
def test_what_follows_the_sign_must_be_a_number_from_1(two: str, number: str) -> None:
    with pytest.raises(PhotoError, match=re.escape(f"found {number!r}")):
        photo_address(f"{two}#{number}")


def test_a_file_whose_name_has_the_sign_is_that_file(two: str, tmp_path: Path) -> None:
    named = tmp_path / "take#2"
    shutil.copy(two, named)
    address = photo_address(str(named))
    assert (address.path, address.number) == (named, None)
    address = photo_address(f"{named}#1")
    assert (address.path, address.number) == (named, 1)


def test_a_photo_without_a_face_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"No face was found in .*; take a photo"):
        _face(_saved(np.full((200, 200, 3), 90, np.uint8), tmp_path / "grey.png"))


def test_a_small_face_is_used_with_a_warning(one: np.ndarray, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    small = cv2.resize(one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    face = _face(_saved(small, tmp_path / "small.png"))
    assert 30 < face.width_px < 60
    assert "pixels wide" in caplog.text


def test_of_several_photos_the_one_that_shows_most_of_the_face_comes_first(one: np.ndarray, tmp_path: Path) -> None:
    small = cv2.resize(one, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    names = [_saved(small, tmp_path / "small.png"), _saved(one, tmp_path / "large.png")]
    source = source_face_from([read_source_photo(photo_address(name)) for name in names])
    assert [view.photo_bgr.shape for view in source.views] == [one.shape, small.shape]
    assert source.best is source.views[0]


@pytest.mark.parametrize("name", ["none.jpg", "none.jpg#2", "."])
def test_a_photo_that_is_not_there_is_said(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PhotoError, match="give the path of an image file"):
        photo_address(name)
