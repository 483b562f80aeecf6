"""Pictures through the offline engine."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from mien.pipeline.offline import is_picture, swap_file
from mien_models.errors import PhotoError, SinkError


def test_a_swapped_picture_keeps_depth_and_what_was_not_swapped(brighten: Any, tmp_path: Path) -> None:
    stored = np.random.default_rng(3).integers(0, 65536, (40, 60, 4), np.uint16)
    cv2.imwrite(str(tmp_path / "in.png"), stored)
    result = swap_file(tmp_path / "in.png", tmp_path / "out.png", [brighten])
    written = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)
    assert written is not None
    np.testing.assert_array_equal(written[:20], stored[:20])
    assert (result.frames_swapped, result.frames_written, result.is_complete) == (1, 1, True)


def test_a_picture_without_a_face_is_copied_byte_for_byte_and_said(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), "red").save(tmp_path / "in.JPG", quality=30)
    result = swap_file(tmp_path / "in.JPG", tmp_path / "out.jpg", [])
    assert (tmp_path / "out.jpg").read_bytes() == (tmp_path / "in.JPG").read_bytes()
    assert "No face was swapped" in result.notes[0]


def test_without_a_face_another_format_is_written_all_the_same(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), "red").save(tmp_path / "in.png")
    result = swap_file(tmp_path / "in.png", tmp_path / "out.webp", [])
    with Image.open(tmp_path / "out.webp") as written:
        assert written.size == (30, 20)
    assert (result.frames_swapped, result.frames_written) == (0, 1)


def test_a_picture_is_known_by_its_content(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "film.mp4", "PNG")
    assert is_picture(tmp_path / "film.mp4")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    with pytest.raises(PhotoError):
        swap_file(tmp_path / "broken.png", tmp_path / "out.png", [])
    with pytest.raises(SinkError, match=r"'\.mp4'. Use one of \.jpg"):
        swap_file(tmp_path / "film.mp4", tmp_path / "out.mp4", [])


def test_a_still_gif_may_become_a_picture(brighten: Any, tmp_path: Path) -> None:
    Image.new("RGB", (30, 20), "red").save(tmp_path / "in.gif")
    swap_file(tmp_path / "in.gif", tmp_path / "out.png", [brighten])
    with Image.open(tmp_path / "out.png") as written:
        assert written.convert("RGB").getpixel((25, 15)) == (255, 255, 255)
