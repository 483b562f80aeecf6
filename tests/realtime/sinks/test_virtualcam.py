"""The virtual camera, on a fake machine; the real one is tested on a kernel that has it."""

import sys
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mien.media.devices.v4l2loopback import Busy
from mien.pipeline.frame import OutputFormat, OutputFrame, State
from mien.provenance.release import ReleasedPicture
from mien.sinks.backends.virtualcam import VirtualCameraSink
from mien.sinks.virtual_camera import how_to_install
from mien_models.errors import SinkError, UsageError

FORMAT = OutputFormat(64, 36, Fraction(30))
linux = pytest.mark.skipif(sys.platform != "linux", reason="v4l2loopback is part of Linux")


def frame(bgr: tuple[int, int, int] = (0, 0, 0)) -> OutputFrame:
    return OutputFrame(ReleasedPicture.unswapped(np.full((36, 64, 3), bgr, np.uint8)), 0, 0, State.LIVE)


@linux
@pytest.mark.parametrize("bgr", [(40, 40, 200), (60, 180, 60), (255, 255, 255), (0, 0, 0)])
def test_colours_arrive_as_bt601_in_limited_range(machine: Any, bgr: tuple[int, int, int]) -> None:
    machine.add(10, "Mien")
    with VirtualCameraSink("", FORMAT) as sink:
        sink.write(frame(bgr))
    sent: NDArray[np.uint8] = machine.frames[0].reshape(54, 64)
    blue, green, red = bgr
    # ITU-R BT.601: Y' of 16..235
    assert sent[0, 0] == pytest.approx(16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255, abs=1)
    received = np.asarray(cv2.cvtColor(sent, cv2.COLOR_YUV2BGR_I420), int)
    assert np.abs(received[20, 20] - bgr).max() <= 2


@linux
def test_the_device_with_our_name_comes_first(machine: Any) -> None:
    machine.add(2, "OBS Cam")
    ours = machine.add(10, "Mien")
    with VirtualCameraSink("", FORMAT) as sink:
        assert machine.opened == [ours]
        assert sink.description == f"virtual camera {ours} (Mien)"
    assert machine.opened == []


@linux
def test_a_device_that_is_written_to_is_left_to_its_writer(machine: Any) -> None:
    taken = machine.add(10, "Mien")
    free = machine.add(11, "Spare")
    machine.failures[taken] = Busy("another program writes to it")
    with VirtualCameraSink("", FORMAT):
        assert machine.opened == [free]


@linux
def test_a_second_mien_on_the_same_camera_is_one_sentence_that_names_another(machine: Any) -> None:
    taken = machine.add(10, "Mien")
    free = machine.add(11, "Spare")
    with VirtualCameraSink(taken, FORMAT) as first:
        with pytest.raises(SinkError, match=f"another Mien writes to it.*--sink virtualcam:{free}") as caught:
            VirtualCameraSink(taken, FORMAT).__enter__()
        assert len(str(caught.value).splitlines()) == 1
        first.write(frame())
    with VirtualCameraSink(taken, FORMAT):
        pass


@linux
def test_when_none_is_free_it_says_how_to_add_one(machine: Any) -> None:
    path = machine.add(10, "Mien")
    machine.failures[path] = PermissionError(13, "Permission denied")
    with pytest.raises(SinkError, match=r"Permission denied.*add another: sudo modprobe -r v4l2loopback"):
        VirtualCameraSink("", FORMAT).__enter__()


@linux
def test_a_device_that_is_gone_is_one_sentence(machine: Any) -> None:
    path = machine.add(10, "Mien")
    with VirtualCameraSink("", FORMAT) as sink:
        sink.write(frame())
        machine.failures[path] = OSError(19, "No such device")
        with pytest.raises(SinkError, match="takes no more frames: No such device"):
            sink.write(frame())
    assert machine.opened == []


@linux
@pytest.mark.parametrize("target", ["nonsense", "/dev/video77", "77"])
def test_an_unknown_device_lists_those_that_are_there(machine: Any, target: str) -> None:
    path = machine.add(10, "Mien")
    with pytest.raises(SinkError, match=f"no virtual camera. There is: {path}"):
        VirtualCameraSink(target, FORMAT).__enter__()


@pytest.mark.parametrize(
    ("system", "release", "advice"),
    [
        ("linux", {"ID": "debian"}, "apt install v4l2loopback-dkms && sudo modprobe v4l2loopback exclusive_caps=1"),
        ("linux", {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "apt install"),
        ("linux", {"ID": "fedora"}, "dnf install"),
        ("linux", {"ID": "manjaro", "ID_LIKE": "arch"}, "pacman -S"),
        ("linux", {"ID": "opensuse-tumbleweed", "ID_LIKE": "opensuse suse"}, "zypper install"),
        ("linux", {"ID": "plan9"}, "package manager"),
        ("darwin", {}, "OBS Studio 30"),
        ("win32", {}, "OBS Studio"),
    ],
)
def test_without_a_virtual_camera_it_says_what_to_install(
    machine: Any, monkeypatch: pytest.MonkeyPatch, system: str, release: dict[str, str], advice: str
) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: release)
    with pytest.raises(SinkError, match=advice) as caught:
        VirtualCameraSink("", FORMAT).__enter__()
    assert how_to_install() in str(caught.value)
    assert machine.opened == []


def test_elsewhere_the_camera_of_the_system_is_taken(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.add(10, "Mien")
    monkeypatch.setattr("sys.platform", "win32")
    with VirtualCameraSink("", FORMAT) as sink:
        sink.write(frame())
        assert sink.description == "virtual camera Fake Camera (fake)"
    assert machine.opened == []


def test_odd_sizes_are_refused_before_anything_opens() -> None:
    with pytest.raises(UsageError, match="even"):
        VirtualCameraSink("", OutputFormat(63, 36, Fraction(30)))
