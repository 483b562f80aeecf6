"""Which virtual camera to write to, and what to install where there is none."""

import platform
import sys
from collections.abc import Sequence
from typing import Final

from mien.media.devices.cameras import VirtualCamera
from mien_models.errors import SinkError
from mien_models.system.sentence import sentence

NAME: Final = "Mien"
"""Stands in the virtual camera's name where that can be chosen."""
_LABEL: Final = "Mien (AI-modified camera)"
"""What others see in their list of cameras: it says what it is. v4l2loopback takes 31 letters."""
_MODPROBE: Final = f'sudo modprobe v4l2loopback exclusive_caps=1 card_label="{_LABEL}" video_nr=10'
_PACKAGES: Final = {
    "debian": "sudo apt install v4l2loopback-dkms",
    "fedora": "sudo dnf install v4l2loopback  (of RPM Fusion)",
    "arch": "sudo pacman -S v4l2loopback-dkms",
    "suse": "sudo zypper install v4l2loopback-kmp-default",
}
_FAMILIES: Final = {"debian": "debian", "ubuntu": "debian", "fedora": "fedora", "rhel": "fedora", "arch": "arch"}


def in_order(target: str, found: Sequence[VirtualCamera]) -> tuple[VirtualCamera, ...]:
    """List the loopback devices to try, best first: those with our name, then the rest as they are numbered.

    Args:
        target: a path, a number or a part of a name asks for that device and no other; '' for any.
        found: the loopback devices of this machine.

    Raises:
        SinkError: there is none, or none that `target` means.
    """
    if not found:
        raise SinkError(sentence("No virtual camera was found. {advice}", advice=how_to_install()))
    if not target:
        return tuple(sorted(found, key=lambda camera: NAME.lower() not in camera.name.lower()))
    path = f"/dev/video{target}" if target.isdecimal() else target
    meant = [c for c in found if c.path == path] or [c for c in found if target.lower() in c.name.lower()]
    if not meant:
        raise SinkError(f"{target!r} is no virtual camera. There is: {_listed(found)}.")
    return tuple(meant)


def in_use(tried: Sequence[VirtualCamera], found: Sequence[VirtualCamera], reason: str) -> SinkError:
    """Say which devices could not be taken and how to choose another."""
    others = [camera for camera in found if camera not in tried]
    if others:
        advice = f"choose another: --sink virtualcam:{others[0].path}"
    else:
        advice = f"add another: sudo modprobe -r v4l2loopback; {_MODPROBE.replace('video_nr=10', 'devices=2')}"
    return SinkError(
        f"The virtual camera {_listed(tried)} cannot be written: {reason}. Close the program that uses it, or {advice}"
    )


def gone(name: str, error: OSError) -> SinkError:
    """Say that a device stopped taking frames."""
    reason = error.strerror or str(error)
    return SinkError(f"The virtual camera {name} takes no more frames: {reason}. Check `mien devices` and start again.")


def how_to_install() -> str:
    """Give one sentence on how to get a virtual camera on this system."""
    if sys.platform == "win32":
        return sentence(
            "Install OBS Studio (obsproject.com), start its virtual camera once and stop it; Mien then writes to it."
        )
    if sys.platform == "darwin":
        return sentence(
            "Install OBS Studio 30 or later (obsproject.com), start its virtual camera once, allow it in the System "
            "Settings and stop it; Mien then writes to it."
        )
    package = _PACKAGES.get(_family(), "Install v4l2loopback with your package manager")
    return sentence("Install one: {command}", command=f"{package} && {_MODPROBE}")


def _family() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return ""
    names = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    if any("suse" in name for name in names):
        return "suse"
    return next((_FAMILIES[name] for name in names if name in _FAMILIES), "")


def _listed(cameras: Sequence[VirtualCamera]) -> str:
    return ", ".join(f"{camera.path} ({camera.name})" for camera in cameras)
