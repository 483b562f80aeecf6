"""A camera of this machine, through OpenCV."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from mien.media.devices.cameras import Camera, cameras, default_camera, find_camera, modes_of
from mien.media.devices.modes import DEFAULT_FPS, DEFAULT_SIZE, ModeWish, VideoMode, choose_mode
from mien.media.devices.opencv import Capture, open_capture
from mien.pipeline.frame import UNNUMBERED, Frame
from mien.pipeline.interfaces import SourceInfo, SourceRequest
from mien.sources.registry import Claim, SourcePlugin
from mien_models.errors import SourceError
from mien_models.plugins import Usual
from mien_models.system.sentence import sentence
from mien_models.types import BgrU8


class CameraSource:
    """Reads one camera in the best mode it offers; what its driver granted is in `info`."""

    def __init__(
        self,
        request: SourceRequest,
        *,
        list_cameras: Callable[[], Sequence[Camera]] = cameras,
        list_modes: Callable[[Camera], Sequence[VideoMode]] = modes_of,
        opener: Callable[[Camera, VideoMode], Capture] = open_capture,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._request = request
        self._list_cameras = list_cameras
        self._list_modes = list_modes
        self._opener = opener
        self._clock_ns = clock_ns
        self._pause = pause
        self._capture: Capture | None = None
        self._info: SourceInfo | None = None
        self._first: Frame | None = None

    @property
    def info(self) -> SourceInfo:
        """What the driver granted; `address` is the camera's stable one."""
        if self._info is None:
            raise RuntimeError("info is known between enter and exit")
        return self._info

    def __enter__(self) -> Self:
        """Find the camera, open it and wait for its first frame.

        Raises:
            SourceError: it is not there, may not be opened, is in use or gives no frame.
        """
        camera = find_camera(self._request.address, self._list_cameras())
        if camera.is_denied:
            raise SourceError(
                f"{camera.name} ({camera.path}) may not be opened by this user. "
                "Run 'sudo usermod -aG video $USER' and log in anew."
            )
        wish = ModeWish(self._request.width, self._request.height, self._request.fps)
        asked = choose_mode(self._list_modes(camera), wish) or _usual(wish)
        self._capture = capture = self._opener(camera, asked)
        try:
            if not capture.is_open:
                raise SourceError(f"{camera.name} ({camera.path}) is there and cannot be opened. {_advice(camera)}")
            complaint = f"{camera.name} ({camera.path}) was opened and gives no frame."
            self._first = self._grab(capture, _FOR_THE_FIRST, complaint)
            self._info = _describe(camera, capture.granted, self._first.image)
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the camera back."""
        self._release()

    def read(self) -> Frame | None:
        """Wait for the next frame, at most 2 s.

        Raises:
            SourceError: no frame came: it is unplugged, has stalled, or another program took it.
        """
        if self._capture is None:
            raise SourceError("The camera is not open. Enter it first.")
        first, self._first = self._first, None
        return first or self._grab(self._capture, _FOR_THE_NEXT, sentence("The camera gives no more frames."))

    def _grab(self, capture: Capture, patience: "_Patience", complaint: str) -> Frame:
        deadline_ns = self._clock_ns() + int(patience.limit_s * 1e9)
        for _ in range(patience.most_failures):
            is_grabbed = capture.grab()
            captured_ns = self._clock_ns()
            image = capture.picture() if is_grabbed else None
            if image is not None:
                return Frame(image, UNNUMBERED, captured_ns)
            if captured_ns >= deadline_ns:
                break
            self._pause(_PAUSE_S)
        raise SourceError(f"{complaint} Check its cable, and that no other program uses it.")

    def _release(self) -> None:
        capture, self._capture = self._capture, None
        self._info, self._first = None, None
        if capture is not None:
            capture.release()


@dataclass(frozen=True, slots=True)
class _Patience:
    """How long a frame is waited for, whichever ends first."""

    limit_s: float
    most_failures: int


_FOR_THE_FIRST: Final = _Patience(limit_s=5.0, most_failures=1000)  # cameras take up to three seconds to wake
_FOR_THE_NEXT: Final = _Patience(limit_s=1.0, most_failures=15)  # a few damaged frames are no loss of the camera
_PAUSE_S: Final = 0.02  # a camera that is gone fails at once, and would be asked thousands of times


def _advice(camera: Camera) -> str:
    if camera.is_virtual:
        return "It is a virtual camera, and perhaps no program sends pictures into it yet."
    return "Close the program that uses it."


def _usual(wish: ModeWish) -> VideoMode:
    """Give what to ask of a camera that lists nothing: MJPG, the fast format over USB."""
    width, height = wish.width or DEFAULT_SIZE[0], wish.height or DEFAULT_SIZE[1]
    return VideoMode("MJPG", width, height, wish.fps or DEFAULT_FPS)


def _describe(camera: Camera, granted: VideoMode, image: BgrU8) -> SourceInfo:
    height, width = image.shape[:2]
    shown = VideoMode(granted.fourcc or "pictures of", width, height, granted.fps)
    return SourceInfo(
        description=f"{camera.name} ({camera.path}), {shown}",
        width=width,
        height=height,
        fps=granted.fps,
        frame_count=None,
        is_live=True,
        address=camera.address,
    )


# Windows gives its cameras such paths (DirectShow and Media Foundation).
_PATHS: Final = ("/dev/", "\\\\?\\", "@device:")


def _claim(address: str) -> Claim:
    text = address.strip()
    return Claim.SURE if text.isdecimal() or text.startswith(_PATHS) else Claim.ANY_WORD


def _first_real() -> str | None:
    camera = default_camera(cameras())
    return None if camera is None else camera.address


PLUGIN: Final = SourcePlugin(
    make=CameraSource,
    help="a camera of this machine",
    address="ID|NAME",
    claims=_claim,
    can_fail=True,
    # A camera has noise: a picture that stays the same to the last bit is suspicious.
    can_freeze=True,
    takes_wishes=True,
    usual=Usual(1, _first_real),
)
