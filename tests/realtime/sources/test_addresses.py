"""Which source an address means."""

from pathlib import Path

import pytest

from mien.sources.registry import local_path, source_name
from mien_models.errors import SourceError


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0", "camera"),
        ("/dev/video0", "camera"),
        ("/dev/v4l/by-id/usb-046d_HD_Webcam-video-index0", "camera"),
        ("046d:082d", "camera"),
        ("Logitech BRIO", "camera"),
        ("USB 2.0 Camera", "camera"),
        ("\\\\?\\usb#vid_046d&pid_082d#6&2b", "camera"),
        ("synthetic", "synthetic"),
        ("Synthetic ", "synthetic"),
        ("rtsp://user:secret@10.0.0.2/live", "url"),
        ("http://phone:8080/video", "url"),
        ("udp://@:1234", "url"),
    ],
)
def test_an_address_that_is_no_file_is_told_by_its_form(address: str, kind: str) -> None:
    assert source_name(address) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("clip.mp4", "video"),
        ("Ünï cödé 名前.MKV", "video"),
        ("moving.gif", "video"),
        ("no suffix", "video"),
        ("photo.JPG", "images"),
        ("scan.tiff", "images"),
        ("0", "camera"),
    ],
)
def test_a_file_is_told_by_its_name(tmp_path: Path, name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).touch()
    assert source_name(name) == kind
    if kind != "camera":
        assert source_name(str(tmp_path / name)) == kind
        assert source_name((tmp_path / name).as_uri()) == kind
        assert local_path((tmp_path / name).as_uri()) == tmp_path / name


def test_a_folder_holds_images(tmp_path: Path) -> None:
    assert source_name(str(tmp_path)) == "images"


@pytest.mark.parametrize("address", ["nothing.mp4", "nothing.png", "folder/nothing", "./nothing", "bad\0name.mp4"])
def test_a_file_that_is_not_there_is_no_camera(address: str) -> None:
    with pytest.raises(SourceError, match="There is no file or folder"):
        source_name(address)


def test_an_empty_address_says_what_to_give() -> None:
    with pytest.raises(SourceError, match="synthetic"):
        source_name("  ")
