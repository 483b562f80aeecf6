"""Which camera an address means, and how cameras are told apart."""

from dataclasses import dataclass

import pytest

from mien.media.devices.cameras import Camera, default_camera, find_camera, other_cameras
from mien_models.errors import SourceError

C920 = Camera("HD Pro Webcam C920", 0, "/dev/v4l/by-id/usb-c920", "/dev/video0", "046d:082d", 0, 200)
BRIO = Camera("Logitech BRIO", 2, "/dev/v4l/by-id/usb-brio", "/dev/video2", "046d:085e", 2, 200)
TWIN = Camera("Logitech BRIO", 4, "/dev/v4l/by-path/brio", "/dev/video4", "046d:085e", 4, 200)
LOOPBACK = Camera("Dummy", 1, "/dev/video1", "/dev/video1", None, 1, 200, is_virtual=True)
DENIED = Camera("Locked", 3, "/dev/video3", "/dev/video3", None, 3, 200, is_denied=True)


@pytest.mark.parametrize(
    "address",
    ["0", "/dev/video0", "/dev/v4l/by-id/usb-c920", "046d:082d", "046D:082D", "hd pro webcam c920", "c920", " C920 "],
)
def test_a_camera_is_found_by_everything_it_is_known_by(address: str) -> None:
    assert find_camera(address, (C920, BRIO)) is C920


def test_a_near_miss_names_what_was_meant_and_everything_there_is() -> None:
    with pytest.raises(SourceError, match=r"0 = HD Pro Webcam C920, 2 = Logitech BRIO.*Did you mean 'Logitech BRIO'"):
        find_camera("Logitec BIRO", (C920, BRIO))


def test_two_cameras_of_one_name_are_told_apart_by_address() -> None:
    with pytest.raises(SourceError, match=r"several cameras.*usb-brio.*by-path/brio"):
        find_camera("Logitech BRIO", (C920, BRIO, TWIN))
    assert find_camera(TWIN.address, (C920, BRIO, TWIN)) is TWIN


def test_without_any_camera_the_error_says_what_else_works() -> None:
    with pytest.raises(SourceError, match=r"no camera.*synthetic"):
        find_camera("0", ())


def test_a_virtual_camera_or_a_locked_one_is_never_taken_by_itself() -> None:
    assert default_camera((LOOPBACK, DENIED, BRIO)) is BRIO
    assert default_camera((LOOPBACK, DENIED)) is None
    assert find_camera("Dummy", (LOOPBACK, BRIO)) is LOOPBACK


@dataclass
class Listed:
    """What `cv2_enumerate_cameras` says of one."""

    index: int
    name: str
    path: str | None
    vid: int | None
    pid: int | None
    backend: int


DSHOW, MSMF = 700, 1400


def test_windows_lists_a_camera_once_though_two_interfaces_know_it() -> None:
    found = other_cameras(
        [
            Listed(0, "OBS Virtual Camera", "obs", None, None, DSHOW),
            Listed(1, "C920", "a", 0x046D, 0x082D, DSHOW),
            Listed(0, "C920", "b", 0x046D, 0x082D, MSMF),
            Listed(1, "IR Camera", "c", None, None, MSMF),
        ]
    )
    assert [(c.number, c.name, c.backend, c.index) for c in found] == [
        (0, "OBS Virtual Camera", DSHOW, 0),
        (1, "C920", DSHOW, 1),
        (2, "IR Camera", MSMF, 1),
    ]
    assert found[1].address == "046d:082d"
    assert found[0].is_virtual


def test_two_of_a_kind_on_windows_keep_addresses_of_their_own() -> None:
    found = other_cameras(
        [Listed(0, "C920", "socket a", 0x046D, 0x082D, DSHOW), Listed(1, "C920", "socket b", 0x046D, 0x082D, DSHOW)]
    )
    assert [camera.address for camera in found] == ["socket a", "socket b"]
    assert all(find_camera(camera.address, found) is camera for camera in found)
