"""What is used where the user named nothing."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.media.devices.cameras import Camera
from mien.pipeline.frame import OutputFormat
from mien.pipeline.interfaces import SourceRequest
from mien.session import ends
from mien.session.options import SoundOptions, SourceOptions
from mien.sinks.registry import default_sinks
from mien.sources.registry import default_address


def _camera(number: int, *, is_virtual: bool = False, is_denied: bool = False) -> Camera:
    path = f"/dev/video{number}"
    return Camera("Camera", number, path, path, None, number, 200, is_virtual, is_denied)


def _here(monkeypatch: pytest.MonkeyPatch, *cameras: Camera, virtual: bool = False, display: bool = False) -> None:
    monkeypatch.setattr("mien.sources.backends.camera.cameras", lambda: cameras)
    monkeypatch.setattr("mien.sinks.backends.virtualcam._is_there", lambda: virtual)
    monkeypatch.setattr("mien.sinks.backends.window.has_display", lambda: display)


def test_the_first_real_camera_that_may_be_opened_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    _here(monkeypatch, _camera(0, is_virtual=True), _camera(1, is_denied=True), _camera(2))
    assert default_address() == "/dev/video2"


def test_without_a_camera_the_synthetic_one_plays_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _here(monkeypatch)
    assert default_address() == "synthetic"
    assert "No camera was found" in caplog.text


@pytest.mark.parametrize(
    ("virtual", "display", "sink"),
    [(True, True, "virtualcam"), (True, False, "virtualcam"), (False, True, "window"), (False, False, "null")],
)
def test_the_virtual_camera_comes_before_the_window_and_what_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, virtual: bool, display: bool, sink: str
) -> None:
    _here(monkeypatch, virtual=virtual, display=display)
    assert default_sinks() == (sink,)
    assert ("No virtual camera was found" in caplog.text) != virtual


def requested(address: str, size: tuple[int, int] | None = None, fps: Fraction | None = None) -> SourceRequest:
    silent = SoundOptions("none", is_muted=False, panic_mutes=True)
    return ends.source_request(address, SourceOptions(address, size, fps, loops=False), silent)


def test_a_camera_is_asked_for_what_suits_a_call_and_a_stream_is_taken_as_it_is() -> None:
    assert requested("0") == SourceRequest("0", 1280, 720, Fraction(30))
    assert requested("0", (640, 480), Fraction(60)) == SourceRequest("0", 640, 480, Fraction(60))
    assert requested("rtsp://phone/") == SourceRequest("rtsp://phone/")


def test_the_output_is_as_asked_or_as_the_file_is_with_even_sides(tmp_path: Path) -> None:
    picture = tmp_path / "odd.png"
    assert cv2.imwrite(str(picture), np.zeros((201, 303, 3), np.uint8))
    request = requested(str(picture))
    found = ends.output_format(request, None, None)
    assert (found.width % 2, found.height % 2) == (0, 0)
    assert abs(found.width - 303) <= 1
    assert abs(found.height - 201) <= 1
    asked = ends.output_format(request, (640, 360), Fraction(24))
    assert asked == OutputFormat(640, 360, Fraction(24))
    assert ends.output_format(SourceRequest("0"), None, None) == OutputFormat(1280, 720, Fraction(30))
