"""What a Linux video device says of itself, asked of the kernel without OpenCV.

The structures and numbers are those of <linux/videodev2.h>; every structure here is one whose layout is the same on 32
and 64 bits, so they are packed by `struct` with native alignment off. Nothing is imported that other systems lack.
"""

import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from fractions import Fraction
from typing import Final, Self

from mien.media.devices.modes import VideoMode


class Capability(IntFlag):
    """The few bits of V4L2_CAP_* that tell cameras from outputs."""

    CAPTURE = 0x0000_0001
    OUTPUT = 0x0000_0002


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """The answer to VIDIOC_QUERYCAP."""

    driver: str
    card: str
    bus: str
    capabilities: Capability


LOOPBACK_DRIVER: Final = "v4l2 loopback"

# Sizes worth listing of a device that scales in steps or without any.
_COMMON_SIZES: Final = ((640, 360), (640, 480), (800, 600), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160))
_MOST_FORMATS: Final = 64  # a driver that never ends its list must not hang us

_BUFFER_TYPE_CAPTURE: Final = 1
_DISCRETE: Final = 1

QUERYCAP: Final = struct.Struct("=16s32s32sIII12x")
FMTDESC: Final = struct.Struct("=III32s4sI12x")
FRMSIZE: Final = struct.Struct("=I4sI6I8x")
FRMIVAL: Final = struct.Struct("=I4sIII6I8x")


def request_number(direction: int, number: int, size: int) -> int:
    """Give an ioctl's number, as the macro _IOC of <asm-generic/ioctl.h> does for the type 'V'."""
    return direction << 30 | size << 16 | ord("V") << 8 | number


_VIDIOC_QUERYCAP: Final = request_number(2, 0, QUERYCAP.size)
_VIDIOC_ENUM_FMT: Final = request_number(3, 2, FMTDESC.size)
_VIDIOC_ENUM_FRAMESIZES: Final = request_number(3, 74, FRMSIZE.size)
_VIDIOC_ENUM_FRAMEINTERVALS: Final = request_number(3, 75, FRMIVAL.size)


def report(path: str) -> DeviceReport:
    """Ask a device what it is.

    Raises:
        OSError: it is gone, may not be opened (PermissionError) or is no video device.
    """
    with _Device(path) as device:
        driver, card, bus, _, capabilities, device_capabilities = QUERYCAP.unpack(
            device.ask(_VIDIOC_QUERYCAP, bytes(QUERYCAP.size))
        )
    # V4L2_CAP_DEVICE_CAPS: the second word speaks of this node, the first of the whole device
    mine = device_capabilities if capabilities & 0x8000_0000 else capabilities
    return DeviceReport(_text(driver), _text(card), _text(bus), Capability(mine & sum(Capability)))


def modes(path: str) -> tuple[VideoMode, ...]:
    """List every format, size and rate in which a device captures; empty for one that does not capture.

    Raises:
        OSError: as `report`.
    """
    with _Device(path) as device:
        return tuple(
            VideoMode(fourcc, width, height, fps)
            for fourcc in device.formats()
            for width, height in device.sizes(fourcc)
            for fps in device.rates(fourcc, width, height)
        )


class _Device:
    """An opened device node."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = -1

    def __enter__(self) -> Self:
        self._file = os.open(self._path, os.O_RDWR | getattr(os, "O_NONBLOCK", 0))
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def ask(self, request: int, question: bytes) -> bytes:
        """Do an ioctl; give the kernel's answer."""
        if sys.platform == "win32":
            raise OSError("Video4Linux is part of Linux")
        import fcntl

        return fcntl.ioctl(self._file, request, question)

    def formats(self) -> Iterator[str]:
        for index in range(_MOST_FORMATS):
            question = FMTDESC.pack(index, _BUFFER_TYPE_CAPTURE, 0, b"", b"", 0)
            try:
                answer = self.ask(_VIDIOC_ENUM_FMT, question)
            except OSError:  # EINVAL: the list is at its end, or there is none
                return
            yield FMTDESC.unpack(answer)[4].decode("latin-1")

    def sizes(self, fourcc: str) -> Iterator[tuple[int, int]]:
        for index in range(_MOST_FORMATS):
            try:
                answer = self.ask(_VIDIOC_ENUM_FRAMESIZES, FRMSIZE.pack(index, _code(fourcc), *[0] * 7))
            except OSError:
                return
            _, _, kind, *numbers = FRMSIZE.unpack(answer)
            if kind != _DISCRETE:
                yield from _common_sizes(
                    range(numbers[0], numbers[1] + 1, max(1, numbers[2])),
                    range(numbers[3], numbers[4] + 1, max(1, numbers[5])),
                )
                return
            yield numbers[0], numbers[1]

    def rates(self, fourcc: str, width: int, height: int) -> tuple[Fraction | None, ...]:
        found: list[Fraction] = []
        for index in range(_MOST_FORMATS):
            question = FRMIVAL.pack(index, _code(fourcc), width, height, *[0] * 7)
            try:
                answer = self.ask(_VIDIOC_ENUM_FRAMEINTERVALS, question)
            except OSError:
                break
            _, _, _, _, kind, *numbers = FRMIVAL.unpack(answer)
            # an interval is a rate's inverse; of a range the shortest interval is its first pair
            if numbers[0] > 0 and numbers[1] > 0:
                found.append(Fraction(numbers[1], numbers[0]))
            if kind != _DISCRETE:
                break
        return tuple(found) or (None,)


def _common_sizes(widths: range, heights: range) -> Iterator[tuple[int, int]]:
    return ((width, height) for width, height in _COMMON_SIZES if width in widths and height in heights)


def _code(fourcc: str) -> bytes:
    return fourcc.encode("latin-1")


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
