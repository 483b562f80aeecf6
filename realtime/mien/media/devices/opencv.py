"""OpenCV's cameras: how each system wants to be asked, and nothing else."""

import os
import sys
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from mien.config.process import prepare_opencv
from mien.media.devices.cameras import Camera
from mien.media.devices.modes import DEFAULT_FPS, VideoMode
from mien_models.types import BgrU8

if TYPE_CHECKING:
    import cv2

_BUFFERS: Final = 2
"""One is filled while the other is decoded. With a single one a USB camera loses every second frame; more than two only
age, should a read come late."""


class Capture(Protocol):
    """A camera that was opened, or could not be."""

    @property
    def is_open(self) -> bool:
        """False when it could not be opened."""
        ...

    @property
    def granted(self) -> VideoMode:
        """The format, size and rate it really has; '' and None for what the system does not tell."""
        ...

    def grab(self) -> bool:
        """Wait for a frame, about 1 s; False when none came."""
        ...

    def picture(self) -> BgrU8 | None:
        """Decode the frame that was grabbed; None when it is damaged."""
        ...

    def release(self) -> None:
        """Give the device back."""
        ...


def open_capture(camera: Camera, mode: VideoMode) -> Capture:
    """Open a camera and ask for a mode; what was granted may differ."""
    prepare_opencv()
    import cv2

    if "OPENCV_LOG_LEVEL" not in os.environ:
        # a camera that cannot be opened is said by us, not once a second on stderr
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

    settings = _settings(mode)
    if sys.platform == "win32":
        # DirectShow fixes the format while it opens; what is set later changes nothing.
        flat = [int(number) for pair in settings for number in pair]
        capture = cv2.VideoCapture(camera.index, camera.backend, flat)
        if capture.isOpened():
            return _OpenCvCapture(capture)
    where: str | int = camera.path if camera.path.startswith("/dev/") else camera.index
    capture = cv2.VideoCapture(where, camera.backend)
    if capture.isOpened():
        for setting, number in settings:
            capture.set(setting, number)
    return _OpenCvCapture(capture)


class _OpenCvCapture:
    """A `cv2.VideoCapture` as a `Capture`."""

    def __init__(self, capture: "cv2.VideoCapture") -> None:
        self._capture = capture

    @property
    def is_open(self) -> bool:
        return self._capture.isOpened()

    @property
    def granted(self) -> VideoMode:
        import cv2

        code = int(self._capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFF_FFFF
        fourcc = code.to_bytes(4, "little").decode("latin-1") if code else ""
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        return VideoMode(
            fourcc=fourcc if fourcc.isprintable() else "",
            width=int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height=int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            fps=Fraction(fps).limit_denominator(1001) if 0 < fps <= 1000 else None,
        )

    def grab(self) -> bool:
        return self._capture.grab()

    def picture(self) -> BgrU8 | None:
        import cv2

        is_decoded, image = self._capture.retrieve()
        if not is_decoded or image.size == 0:
            return None
        if image.ndim == 2 or image.shape[2] == 1:
            return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
        return np.asarray(image, np.uint8)

    def release(self) -> None:
        self._capture.release()


def _settings(mode: VideoMode) -> tuple[tuple[int, float], ...]:
    import cv2

    fourcc = int.from_bytes(mode.fourcc.encode("latin-1"), "little")
    return (
        (cv2.CAP_PROP_FOURCC, fourcc),
        (cv2.CAP_PROP_FRAME_WIDTH, mode.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, mode.height),
        (cv2.CAP_PROP_FPS, float(mode.fps or DEFAULT_FPS)),
        (cv2.CAP_PROP_BUFFERSIZE, _BUFFERS),
    )
