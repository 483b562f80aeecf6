"""`mien devices`: what is shown of cameras, and what is advised when there is none."""

import json
from fractions import Fraction

import pytest
from rich.console import Console

from mien.cli.devices import DeviceList, advice, as_data, camera_table, show_devices, sound_table, virtual_table
from mien.media.devices.cameras import Camera, VirtualCamera
from mien.media.devices.modes import VideoMode
from mien.sound.devices import SoundDevice

WEBCAM = Camera("[red] Webcam", 0, "/dev/v4l/by-id/usb-webcam", "/dev/video0", "046d:0825", 0, 200)
LOOPBACK = Camera("OBS", 2, "/dev/video2", "/dev/video2", None, 2, 200, is_virtual=True)
MODES = [
    VideoMode("YUYV", 1280, 720, Fraction(10)),
    VideoMode("MJPG", 1280, 720, Fraction(60)),
    VideoMode("MJPG", 1280, 720, Fraction(30)),
    VideoMode("YUYV", 640, 480, Fraction(30)),
]
LISTED = DeviceList([LOOPBACK, WEBCAM], {"/dev/video0": MODES}, [VirtualCamera("Mien", "/dev/video10")])


def drawn(table: object) -> str:
    console = Console(width=120, record=True, quiet=False, file=None, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_the_table_says_name_addresses_sizes_rates_and_what_is_asked_for() -> None:
    text = drawn(camera_table(LISTED))
    assert "[red] Webcam" in text
    assert "/dev/v4l/by-id/usb-webcam" in text
    assert "1280x720  MJPG 60, YUYV 10" in text
    assert "asked for: MJPG 1280x720 at 60 fps" in text
    assert "not told by this system" in text
    assert text.index("used when none is named") > text.index("[red] Webcam")


def test_virtual_cameras_are_shown_as_sinks() -> None:
    assert "virtualcam:/dev/video10" in drawn(virtual_table(LISTED))


def test_output_devices_are_shown_as_what_a_microphone_is_played_into() -> None:
    devices = [SoundDevice(3, "[red] Cable", "ALSA", 2, 48_000, True)]
    text = drawn(sound_table(devices, "Output devices", "--microphone-out", "the system's own"))
    assert "[red] Cable" in text
    assert "--microphone-out" in text
    assert "the system's own" in text


def test_json_names_the_default_and_every_mode() -> None:
    data = json.loads(json.dumps(as_data(LISTED)))
    assert [camera["is_default"] for camera in data["cameras"]] == [False, True]
    assert len(data["cameras"][1]["modes"]) == len(MODES)
    assert data["cameras"][1]["modes"][1] == {"format": "MJPG", "width": 1280, "height": 720, "fps": 60.0}


def test_without_a_real_camera_people_are_told_what_to_do() -> None:
    assert "--camera synthetic" in " ".join(advice(DeviceList([])))
    assert "--camera synthetic" in " ".join(advice(DeviceList([LOOPBACK])))
    assert advice(LISTED) == []


def test_a_camera_that_may_not_be_opened_names_the_group() -> None:
    denied = Camera("A", 0, "/dev/video0", "/dev/video0", None, 0, 200, is_denied=True)
    assert "usermod -aG video" in " ".join(advice(DeviceList([denied])))


def test_the_command_itself_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    show_devices(as_json=True)
    assert set(json.loads(capsys.readouterr().out)) == {"cameras", "microphones", "output_devices", "virtual_cameras"}
    show_devices(as_json=False)
