"""A camera for other programs: v4l2loopback on Linux, OBS on Windows and macOS, Unity Capture on Windows."""

import sys
from contextlib import ExitStack
from fractions import Fraction
from types import TracebackType
from typing import Final, Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.media.devices.cameras import virtual_cameras
from mien.media.devices.v4l2loopback import Busy, LoopbackWriter
from mien.pipeline.frame import OutputFormat, OutputFrame
from mien.sinks.registry import SinkPlugin
from mien.sinks.virtual_camera import gone, how_to_install, in_order, in_use
from mien_models.errors import SinkClosedError, SinkError, UsageError
from mien_models.plugins import Usual


class _Camera(Protocol):
    """Something that takes I420 frames."""

    def send(self, frame: NDArray[np.uint8]) -> None: ...


class VirtualCameraSink:
    """Has state: the open device and one I420 buffer.

    Frames are converted by OpenCV, which lets other threads run, to BT.601 in limited range, which receivers assume.
    The size stays for the session: a receiver that is attached keeps reading the size that it found.
    """

    def __init__(self, target: str, output: OutputFormat) -> None:
        if output.width % 2 or output.height % 2:
            raise UsageError(f"A virtual camera needs even sizes, got {output.width}x{output.height}. Change --size.")
        self._target = target
        self._output = output
        self._i420 = np.zeros((output.height * 3 // 2, output.width), np.uint8)
        self._opened = ExitStack()
        self._camera: _Camera | None = None
        self._name = target or "virtual camera"

    @property
    def description(self) -> str:
        """One line for people."""
        return f"virtual camera {self._name}"

    @property
    def is_reopenable(self) -> bool:
        """True: a device that went away may come back, and nothing is lost by opening it again."""
        return True

    def __enter__(self) -> Self:
        """Take the first device that is free.

        Raises:
            SinkError: there is none; the message says what to install, or how to choose another.
        """
        with ExitStack() as opening:
            if sys.platform == "linux":
                self._camera, self._name = self._first_free_loopback(opening)
            else:
                self._camera, self._name = self._camera_of_the_system(opening)
            self._opened = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the device go."""
        self._camera = None
        self._opened.close()

    def write(self, frame: OutputFrame) -> None:
        """Show one frame.

        Raises:
            SinkError: the device is gone or takes no frames.
        """
        self._output.check(frame)
        if self._camera is None:
            raise SinkClosedError(f"The {self.description} was closed.")
        cv2.cvtColor(frame.image, cv2.COLOR_BGR2YUV_I420, dst=self._i420)
        try:
            self._camera.send(self._i420)
        except OSError as error:
            raise gone(self._name, error) from error

    def _first_free_loopback(self, opening: ExitStack) -> tuple[_Camera, str]:
        found = virtual_cameras()
        tried = in_order(self._target, found)
        reasons: list[str] = []
        for device in tried:
            writer = LoopbackWriter(device.path, self._output.width, self._output.height)
            try:
                return opening.enter_context(writer), f"{device.path} ({device.name})"
            except (Busy, OSError) as error:
                reasons.append((error.strerror if isinstance(error, OSError) else None) or str(error))
        raise in_use(tried, found, reasons[0])

    def _camera_of_the_system(self, opening: ExitStack) -> tuple[_Camera, str]:
        import pyvirtualcam

        try:
            camera = pyvirtualcam.Camera(
                self._output.width,
                self._output.height,
                float(self._output.fps),
                fmt=pyvirtualcam.PixelFormat.I420,
                device=self._target or None,
            )
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise SinkError(f"No virtual camera can be opened ({reason}). {how_to_install()}") from error
        opening.callback(camera.close)
        return camera, f"{camera.device} ({camera.backend})"


def _is_there() -> bool:
    if sys.platform == "linux":
        return bool(virtual_cameras())
    try:
        with VirtualCameraSink("", OutputFormat(1280, 720, Fraction(30))):
            return True
    except SinkError:
        return False


PLUGIN: Final = SinkPlugin(
    make=VirtualCameraSink,
    label="Virtual camera",
    help="a camera that other programs see",
    target="[DEVICE]",
    is_camera=True,
    usual=Usual(1, lambda: "virtualcam" if _is_there() else None, advice=how_to_install),
)
