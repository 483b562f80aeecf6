"""A webcam that is fed, the program under test, and somebody who watches the virtual camera."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import cv2
import numpy as np
from tests.camera_vm.scene import Judge, Kind

from mien.media.devices import v4l2

PATIENCE_S: Final = 360.0
"""An emulated machine takes a minute to import what a laptop imports in a second; no test here is about time."""
PICTURES: Final = os.environ.get("CAMERA_VM_PICTURES")
"""A folder for some of the pictures that were read, for people to look at."""


def wait_until(is_so: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for something that has to come."""
    deadline_s = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline_s, f"{what}: not within {patience_s:.0f} s"
        time.sleep(0.1)


class Feed:
    """Plays a clip into a loopback device, over and over, as a webcam would."""

    def __init__(self, clip: Path, device: str) -> None:
        source = ["-re", "-stream_loop", "-1", "-i", str(clip)]
        self._command = ["ffmpeg", "-v", "error", "-nostdin", *source, "-f", "v4l2", "-pix_fmt", "yuv420p", device]
        self._device = device
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.plug_in()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def plug_in(self) -> None:
        """Begin to send pictures."""
        self._process = subprocess.Popen(self._command)

    def unplug(self) -> None:
        """End at once; the device stays and is silent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Send nothing, and keep the device."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Send pictures after `hang`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class Mien:
    """`mien` as its users start it, in folders of its own."""

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._words = list(words)
        self._folder = folder
        self._report = folder / "report.json"
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def run(cls, folder: Path, *words: str) -> Self:
        """Make a `mien run` that writes its report into `folder`."""
        return cls(["run", "--report", str(folder / "report.json"), *words], folder)

    def __enter__(self) -> Self:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MIEN_")}
        own = {f"MIEN_{kind}_DIR": str(self._folder / kind.lower()) for kind in ("DATA", "CONFIG", "STATE")}
        with (self._folder / "stdout").open("wb") as out, (self._folder / "stderr").open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mien", *self._words], stdout=out, stderr=err, env={**kept, **own}
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running.poll() is None:
            self._running.kill()
            self._running.wait()
        if error is not None and kind is not None:
            error.add_note(f"mien {' '.join(self._words)}\n{self.said}")

    @property
    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None
        return self._process

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._running.poll() is None

    @property
    def said(self) -> str:
        """What it wrote for people."""
        return (self._folder / "stderr").read_text("utf-8")

    @property
    def printed(self) -> str:
        """What it wrote for programs."""
        return (self._folder / "stdout").read_text("utf-8")

    @property
    def report(self) -> dict[str, Any]:
        """The report that it wrote."""
        return dict(json.loads(self._report.read_text("utf-8")))

    def end(self, number: signal.Signals) -> int:
        """Send a signal and give the exit status."""
        self._running.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end and give the exit status."""
        return self._running.wait(PATIENCE_S)


class Watcher:
    """Somebody in a call: has the virtual camera open, from the first moment it is one, and sees every picture."""

    def __init__(self, device: str, judge: Judge) -> None:
        self._device = device
        self._judge = judge
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.kinds: list[Kind] = []
        """What was seen, oldest first."""

    def __enter__(self) -> Self:
        self.come()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def come(self) -> None:
        """Open the device as soon as somebody writes to it, and read."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Close the device."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wait_for(self, *kinds: Kind) -> None:
        """Wait for a picture that comes from now on and is of one of these kinds."""
        begin = len(self.kinds)
        wanted = " or ".join(kind.name for kind in kinds)
        try:
            wait_until(lambda: any(kind in kinds for kind in self.kinds[begin:]), f"a picture of {wanted}")
        except AssertionError as error:
            error.add_note(f"seen instead: {[kind.name for kind in self.kinds[begin:]]}")
            raise

    def _watch(self) -> None:
        while not self._stopping.wait(0.1):
            if v4l2.Capability.CAPTURE in v4l2.report(self._device).capabilities:
                self._read()

    def _read(self) -> None:
        capture = cv2.VideoCapture(self._device, cv2.CAP_V4L2)
        try:
            while capture.isOpened() and not self._stopping.is_set():
                is_read, picture = capture.read()
                if is_read:
                    self._look_at(np.asarray(picture, np.uint8))
        finally:
            capture.release()

    def _look_at(self, picture: "np.ndarray[Any, np.dtype[np.uint8]]") -> None:
        kind = self._judge.kind(picture)
        if PICTURES is not None and (not self.kinds or kind is not self.kinds[-1]):
            cv2.imwrite(str(Path(PICTURES, f"{len(self.kinds):05}-{kind.name.lower()}.png")), picture)
        self.kinds.append(kind)
