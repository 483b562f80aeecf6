"""Writes frames into a v4l2loopback device, and tells whether anybody else does.

The kernel's interface is <linux/videodev2.h>; struct sizes are those of 64-bit systems.
"""

import contextlib
import errno
import os
import struct
import sys
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from mien.media.devices import v4l2

_S_FMT: Final = 0xC0D0_5605  # _IOWR('V', 5, struct v4l2_format)
_STREAMON: Final = 0x4004_5612  # _IOW('V', 18, int)
_TYPE_OUTPUT: Final = 2
_FORMAT: Final = struct.Struct("=II II4sIIII 168x")  # type, padding, width, height, fourcc, field, stride, size, space
_FIELD_NONE: Final = 1
_COLORSPACE_SMPTE170M: Final = 1  # BT.601, which is what receivers take YUV of a webcam for
_FED_WITHIN_S: Final = 0.4
"""A writer of three frames a second is noticed."""


class Busy(Exception):  # noqa: N818 - it is a state of the device, told to the user by another
    """Somebody else writes to the device, or a reader holds it in another size; the reason is one clause."""


class LoopbackWriter:
    """Has state: the open device, locked against other writers of this kind for as long as it is open.

    Writing needs no STREAMON. Both are done by hand, and not by pyvirtualcam, because v4l2loopback 0.12 (Debian 12,
    Ubuntu 22.04) announces its output again only when a writer closes that has started a stream; pyvirtualcam's never
    does, and refuses to open the device a second time. Errors of a write are seen here too.
    """

    def __init__(self, path: str, width: int, height: int) -> None:
        self._path = path
        self._size = width, height
        self._frame_bytes = width * height * 3 // 2
        self._stack = ExitStack()
        self._node = -1

    def __enter__(self) -> Self:
        """Open the device for I420 frames.

        Raises:
            Busy: somebody writes to it, or reads it in another size.
            OSError: it is gone or may not be opened.
        """
        with ExitStack() as opening:
            self._node = os.open(self._path, os.O_WRONLY)
            opening.callback(os.close, self._node)
            self._lock()
            _revive(self._path)
            if _is_fed(self._path):
                raise Busy("another program writes to it")
            self._set_format()
            opening.callback(self._announce_output)
            self._stack = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; it can be opened again at once, whatever the version of v4l2loopback."""
        self._stack.close()

    def send(self, frame: NDArray[np.uint8]) -> None:
        """Hand over one I420 frame; other threads run meanwhile.

        Raises:
            OSError: the device is gone or takes no whole frame.
        """
        if os.write(self._node, frame.data) != self._frame_bytes:
            raise OSError(errno.EIO, "the device does not take whole frames")

    def _lock(self) -> None:
        if sys.platform == "win32":
            raise OSError("v4l2loopback is part of Linux")
        import fcntl

        try:
            fcntl.flock(self._node, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy("another Mien writes to it") from error

    def _set_format(self) -> None:
        width, height = self._size
        asked = (_TYPE_OUTPUT, 0, width, height, b"YU12", _FIELD_NONE, width, self._frame_bytes, _COLORSPACE_SMPTE170M)
        try:
            answer = _FORMAT.unpack(_ioctl(self._node, _S_FMT, _FORMAT.pack(*asked)))
        except OSError as error:
            if error.errno == errno.EBUSY:
                raise Busy("another program writes to it") from error
            raise
        if answer[2:5] != asked[2:5]:
            raise Busy(f"a program reads it in {answer[2]}x{answer[3]} {answer[4].decode('latin-1')}")

    def _announce_output(self) -> None:
        """Make v4l2loopback 0.12 take this for a writer, so that closing it announces the output again."""
        _pose_as_writer(self._node)


def _pose_as_writer(node: int) -> None:
    with contextlib.suppress(OSError):  # 0.13 and later need no help and refuse it, 0.12 remembers it all the same
        _ioctl(node, _STREAMON, struct.pack("=i", _TYPE_OUTPUT))


def _revive(path: str) -> None:
    """Make a device of v4l2loopback 0.12 whose writer was killed an output again: it is nothing at all till then."""
    if v4l2.report(path).capabilities:
        return
    node = os.open(path, os.O_WRONLY)
    try:
        _pose_as_writer(node)
    finally:
        os.close(node)
    # The kernel takes what this question is answered for what may be asked of the device.
    v4l2.report(path)


def _is_fed(path: str) -> bool:
    """Whether new frames come out of a device while it is watched for a moment.

    v4l2loopback 0.12 lets any number of programs write at once, and its capabilities do not tell a writer from a
    reader that stayed behind.
    """
    if v4l2.Capability.CAPTURE not in v4l2.report(path).capabilities:
        return False
    node = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        # Up to two frames may have been waiting for hours.
        for _ in range(8):
            if not _takes_a_frame(node):
                break
        deadline_s = time.monotonic() + _FED_WITHIN_S
        while time.monotonic() < deadline_s:
            if _takes_a_frame(node):
                return True
            time.sleep(0.01)
    except OSError:
        return False  # nothing was ever written, or it cannot be read like this
    finally:
        os.close(node)
    return False


def _takes_a_frame(node: int) -> bool:
    try:
        return bool(os.read(node, 1))
    except BlockingIOError:
        return False


def _ioctl(node: int, request: int, argument: bytes) -> bytes:
    if sys.platform == "win32":
        raise OSError("v4l2loopback is part of Linux")
    import fcntl

    return fcntl.ioctl(node, request, argument)
