"""A machine with loopback devices, and a pyvirtualcam that remembers what it is sent."""

import sys
from types import ModuleType, TracebackType
from typing import Any, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.media.devices.cameras import VirtualCamera
from mien.media.devices.v4l2loopback import Busy


class Machine:
    """What the virtual cameras of a machine are like; change it at will."""

    def __init__(self) -> None:
        self.devices: list[VirtualCamera] = []
        self.failures: dict[str, Exception] = {}
        self.frames: list[NDArray[np.uint8]] = []
        self.opened: list[str] = []

    def add(self, number: int, name: str) -> str:
        self.devices.append(VirtualCamera(name, f"/dev/video{number}"))
        return self.devices[-1].path


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()

    class Writer:
        def __init__(self, path: str, width: int, height: int) -> None:
            self.path, self.size = path, width * height * 3 // 2

        def __enter__(self) -> Self:
            if self.path in made.failures:
                raise made.failures[self.path]
            if self.path in made.opened:
                raise Busy("another Mien writes to it")
            made.opened.append(self.path)
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            made.opened.remove(self.path)

        def send(self, frame: NDArray[np.uint8]) -> None:
            assert frame.size == self.size
            if self.path in made.failures:
                raise made.failures[self.path]
            made.frames.append(frame.copy())

    class Camera(Writer):
        backend = "fake"
        device = "Fake Camera"

        def __init__(self, width: int, height: int, _fps: float, *, fmt: str, device: str | None) -> None:
            super().__init__(device or self.device, width, height)
            if not made.devices:
                raise RuntimeError("'fake' backend: refused\nfor a reason")
            assert fmt == "I420"
            self.__enter__()

        def close(self) -> None:
            self.__exit__(None, None, None)

    module: Any = ModuleType("pyvirtualcam")
    module.Camera = Camera
    module.PixelFormat = type("PixelFormat", (), {"I420": "I420"})
    monkeypatch.setitem(sys.modules, "pyvirtualcam", module)
    monkeypatch.setattr("mien.sinks.backends.virtualcam.virtual_cameras", lambda: tuple(made.devices))
    monkeypatch.setattr("mien.sinks.backends.virtualcam.LoopbackWriter", Writer)
    return made
