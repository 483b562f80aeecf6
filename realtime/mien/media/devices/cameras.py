"""The cameras of this machine, and which of them an address means."""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from mien.media.devices import v4l2
from mien.media.devices.modes import VideoMode
from mien_models.errors import SourceError
from mien_models.system.near_miss import near_miss

_V4L2: Final = 200  # cv2.CAP_V4L2, CAP_DSHOW, CAP_MSMF, CAP_AVFOUNDATION; listing needs no OpenCV
_DSHOW: Final = 700
_MSMF: Final = 1400
_AVFOUNDATION: Final = 1200

_VIRTUAL_NAMES: Final = ("mien", "obs virtual", "obs-camera", "unity video capture", "akvcam", "manycam", "xsplit")
_USB_ID: Final = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera that can be opened."""

    name: str
    number: int
    """What `--camera 0` means: N of /dev/videoN on Linux, the place in the list elsewhere."""
    address: str
    """What means this very device also after a restart and in another socket, as far as the system can tell."""
    path: str
    """The system's own name for it, for instance '/dev/video0'."""
    usb_id: str | None
    """Vendor and product, for instance '046d:0825'."""
    index: int
    """What OpenCV calls it within `backend`."""
    backend: int
    """OpenCV's number of the interface that listed it."""
    is_virtual: bool = False
    """Made by a program such as this one; never chosen by itself."""
    is_denied: bool = False
    """This user may not open it."""


@dataclass(frozen=True, slots=True)
class VirtualCamera:
    """A loopback device that waits for a program to write into it."""

    name: str
    path: str


class ListedCamera(Protocol):
    """What is used of `cv2_enumerate_cameras.CameraInfo`."""

    index: int
    name: str
    path: str | None
    vid: int | None
    pid: int | None
    backend: int


def cameras() -> tuple[Camera, ...]:
    """List every camera, in the order of their numbers; output-only loopback devices are none."""
    if sys.platform == "linux":
        return linux_cameras(_enumerate(_V4L2))
    if sys.platform == "win32":
        return other_cameras([*_enumerate(_DSHOW), *_enumerate(_MSMF)])
    return other_cameras(_enumerate(_AVFOUNDATION))


def default_camera(found: Sequence[Camera]) -> Camera | None:
    """Give the camera to use when none was named: the first that is real and may be opened, or None."""
    return next((c for c in found if not c.is_virtual and not c.is_denied), None)


def modes_of(camera: Camera) -> tuple[VideoMode, ...]:
    """List the formats, sizes and rates of a camera; empty where the system does not tell them (only Linux does)."""
    if camera.backend != _V4L2:
        return ()
    try:
        return v4l2.modes(camera.path)
    except OSError:
        return ()


def virtual_cameras() -> tuple[VirtualCamera, ...]:
    """List the v4l2loopback devices of this Linux; empty elsewhere."""
    found: list[VirtualCamera] = []
    for node in sorted(Path("/sys/class/video4linux").glob("video*"), key=lambda p: (len(p.name), p.name)):
        path = f"/dev/{node.name}"
        try:
            said = v4l2.report(path)
        except OSError:
            continue
        if said.driver == v4l2.LOOPBACK_DRIVER:
            found.append(VirtualCamera(said.card, path))
    return tuple(found)


def find_camera(address: str, found: Sequence[Camera]) -> Camera:
    """Give the camera that an address means: a number, a path, a stable path, a USB id, a name or a part of one.

    Raises:
        SourceError: none or several are meant; the message lists the cameras that are there.
    """
    text = address.strip()
    if not found:
        raise SourceError(
            f"Camera {text!r} was asked for, and this machine has no camera. Plug one in, or use --camera synthetic."
        )
    matches = _matches(text, found)
    if len(matches) == 1:
        return matches[0]
    if matches:
        choices = ", ".join(f"{c.name} = {c.address}" for c in matches)
        raise SourceError(f"{text!r} means several cameras. Give the address of one: {choices}.")
    near = near_miss(text, [c.name for c in found])
    hint = f" Did you mean {near!r}?" if near else ""
    listed = ", ".join(f"{c.number} = {c.name}" for c in found)
    raise SourceError(f"No camera is {text!r}. There is: {listed}.{hint}")


def _matches(text: str, found: Sequence[Camera]) -> list[Camera]:
    if text.isdecimal():
        return [c for c in found if c.number == int(text)]
    exact = [c for c in found if text in {c.address, c.path}]
    if exact or text.startswith("/dev/"):
        real = os.path.realpath(text)
        return exact or [c for c in found if c.path == real]
    lower = text.lower()
    if _USB_ID.fullmatch(lower):
        return [c for c in found if c.usb_id == lower]
    return [c for c in found if c.name.lower() == lower] or [c for c in found if lower in c.name.lower()]


def linux_cameras(listed: Iterable[ListedCamera]) -> tuple[Camera, ...]:
    """Make cameras of what V4L2 lists, with the links of /dev/v4l as their addresses."""
    links = _stable_links()
    found: list[Camera] = []
    for entry in sorted(listed, key=lambda e: e.index):
        path = entry.path or f"/dev/video{entry.index}"
        is_denied, driver = False, ""
        try:
            driver = v4l2.report(path).driver
        except PermissionError:
            is_denied = True
        except OSError:
            continue  # it has gone since it was listed
        found.append(
            Camera(
                name=entry.name,
                number=entry.index,
                address=links.get(path, path),
                path=path,
                usb_id=_usb_id(entry),
                index=entry.index,
                backend=_V4L2,
                is_virtual=driver == v4l2.LOOPBACK_DRIVER or _sounds_virtual(entry.name),
                is_denied=is_denied,
            )
        )
    return tuple(found)


def other_cameras(listed: Iterable[ListedCamera]) -> tuple[Camera, ...]:
    """Make cameras of what Windows or macOS lists; one that two interfaces list is taken from the first."""
    entries: list[ListedCamera] = []
    for entry in listed:
        if not any(e.backend != entry.backend and _is_same(e, entry) for e in entries):
            entries.append(entry)
    return tuple(
        Camera(
            name=entry.name,
            number=number,
            address=_address(entry, entries),
            path=entry.path or entry.name,
            usb_id=_usb_id(entry),
            index=entry.index,
            backend=entry.backend,
            is_virtual=_sounds_virtual(entry.name),
        )
        for number, entry in enumerate(entries)
    )


def _is_same(one: ListedCamera, other: ListedCamera) -> bool:
    return one.name == other.name and _usb_id(one) == _usb_id(other)


def _address(entry: ListedCamera, entries: Sequence[ListedCamera]) -> str:
    usb_id = _usb_id(entry)
    if usb_id and sum(_usb_id(e) == usb_id for e in entries) == 1:
        return usb_id
    if sum(e.name.lower() == entry.name.lower() for e in entries) == 1:
        return entry.name
    return entry.path or entry.name


def _usb_id(entry: ListedCamera) -> str | None:
    if entry.vid is None or entry.pid is None:
        return None
    return f"{entry.vid:04x}:{entry.pid:04x}"


def _sounds_virtual(name: str) -> bool:
    return name.lower().startswith(_VIRTUAL_NAMES)


def _stable_links() -> dict[str, str]:
    """Map device nodes to their links, those by USB names (which move with the camera) before those by socket."""
    links: dict[str, str] = {}
    for folder in ("by-path", "by-id"):
        for link in sorted(Path("/dev/v4l", folder).glob("*"), reverse=True):
            links[os.path.realpath(link)] = str(link)
    return links


def _enumerate(backend: int) -> list[ListedCamera]:
    from cv2_enumerate_cameras import enumerate_cameras

    return list(enumerate_cameras(backend))
