"""A camera where there is none: the astronaut's portrait turns, nods, blinks and talks."""

import math
import time
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.media.clap import SQUARE, due_ns, is_clap
from mien.media.pictures import read_picture
from mien.pipeline.frame import UNNUMBERED, Frame
from mien.pipeline.interfaces import SourceInfo, SourceRequest
from mien.sources.backends._talking_head import HeadMotion, TalkingHead
from mien.sources.registry import Claim, SourcePlugin
from mien.tracking.geometry import Extent, region_from_detection
from mien.tracking.landmark_fit import default_networks
from mien.tracking.photo import public_domain_photo
from mien_models.errors import PhotoError, SourceError
from mien_models.geometry.face_mesh import rasterise
from mien_models.plugins import Usual
from mien_models.types import BgrU8, PointsF32

_ADDRESS: Final = "synthetic"
_DEFAULT_SIZE: Final = (1280, 720)
_DEFAULT_FPS: Final = Fraction(30)
_SEED: Final = 2
_FACE_OF_HEIGHT: Final = 0.42
"""Width of the face in parts of the picture's height: somebody who sits before a laptop."""
_FACE_AT: Final = (0.5, 0.44)
"""Where the middle of the face is, in parts of the picture."""
_FINE, _COARSE = 2, 8
"""Pixels to a cell of the map: over the face, and around it."""
_NOISE_SIGMA: Final = 1.6
_NOISE_MARGIN_PX: Final = 64
_NOISE_LIFT: Final = 8
_MOUTH_BGR: Final = (22, 18, 38)
"""The dark of an open mouth."""


class SyntheticSource:
    """Renders frame after frame, the same ones for the same seed; ends never, and as fast as it is read."""

    def __init__(self, width: int, height: int, fps: Fraction, seed: int = _SEED, *, claps: bool = False) -> None:
        self._width, self._height, self._fps, self._seed = width, height, fps, seed
        self.keeps_time = claps
        """Whether it claps: frames are then due at moments of the computer's clock, and what is late is left out."""
        self._renderer: _Renderer | None = None
        self._next_index = 0

    @property
    def info(self) -> SourceInfo:
        """What is rendered."""
        return SourceInfo(
            description=f"synthetic camera: NASA's astronaut portrait, {self._width}x{self._height}",
            width=self._width,
            height=self._height,
            fps=self._fps,
            frame_count=None,
            is_live=False,
        )

    def __enter__(self) -> Self:
        """Find the face in the portrait and make a puppet of it.

        Raises:
            SourceError: the portrait is missing or shows no face to the networks.
        """
        try:
            source_photo = read_picture(public_domain_photo()).image_bgr
        except PhotoError as error:
            raise SourceError(str(error)) from error
        self._renderer = _Renderer(source_photo, _landmarks(source_photo), (self._width, self._height), self._seed)
        self._next_index = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the pictures."""
        self._renderer = None

    def read(self) -> Frame:
        """Render the next frame; `captured_ns` counts from the first one."""
        if self._renderer is None:
            raise SourceError("The synthetic camera is not open. Enter it first.")
        if self.keeps_time:
            # Counted from the beginning of the clock, which the microphone's claps are, too.
            self._next_index = max(self._next_index, math.ceil(time.monotonic_ns() * self._fps / 1_000_000_000))
        index, self._next_index = self._next_index, self._next_index + 1
        image = self._renderer.frame(index, motion_at(float(index / self._fps), self._seed))
        if self.keeps_time and is_clap(index, self._fps):
            SQUARE.of(image)[:] = 255
        return Frame(image, UNNUMBERED, due_ns(index, self._fps))


def motion_at(time_s: float, seed: int) -> HeadMotion:
    """Give what the head does at a time: sums of sines whose periods never meet again, talk in phrases, blinks."""
    phases = np.random.default_rng(seed).uniform(0, math.tau, 16).tolist()

    def sway(first: int, *periods_s: float) -> float:
        """Give a smooth path within -1..1."""
        waves = [math.sin(math.tau * time_s / period + phases[first + n]) for n, period in enumerate(periods_s)]
        return sum(wave / (n + 1.0) for n, wave in enumerate(waves)) / sum(1 / (n + 1.0) for n in range(len(waves)))

    is_talking = min(1.0, max(0.0, 0.6 + 1.8 * sway(0, 5.3, 3.1)))
    syllables = 0.5 + 0.5 * sway(2, 0.31, 0.47, 0.173)
    return HeadMotion(
        yaw_deg=25 * sway(5, 7.3, 4.1),
        pitch_deg=11 * sway(7, 5.9, 2.7),
        roll_deg=6 * sway(9, 8.7, 3.7),
        shift_xy=(0.10 * sway(11, 9.1), 0.05 * sway(12, 6.1)),
        jaw=is_talking * syllables**1.5 * 0.8,
        blink=_blink(time_s, phases[13:]),
    )


def _blink(time_s: float, phases: list[float]) -> float:
    """Give how far the lids are closed: a blink takes 0.25 s, and one follows the other after 2 to 5 s."""
    closed = 0.0
    for period_s, phase in zip((3.7, 5.3), phases, strict=False):
        since_s = (time_s + phase) % period_s
        closed = max(closed, math.sin(math.pi * min(since_s / 0.25, 1.0)))
    return closed


def _landmarks(source_photo_bgr: BgrU8) -> PointsF32:
    networks = default_networks()
    found = networks.detector.detect(source_photo_bgr)
    if not found:
        raise SourceError("No face was found in the portrait of the synthetic camera. Reinstall scikit-image and Mien.")
    region = region_from_detection(found[0])
    points, _ = networks.landmarker.landmarks(source_photo_bgr, region)
    points, _ = networks.landmarker.landmarks(source_photo_bgr, Extent.of(np.asarray(points, np.float32)).region())
    return np.asarray(points, np.float32)


def _framed(source_photo_bgr: BgrU8, landmarks: PointsF32, size: tuple[int, int]) -> tuple[BgrU8, PointsF32]:
    """Enlarge a part of the portrait to the camera's picture."""
    width, height = size
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    # never so small that the portrait's border would be seen
    scale = max(
        _FACE_OF_HEIGHT * height / float(high[0] - low[0]),
        width / source_photo_bgr.shape[1],
        height / source_photo_bgr.shape[0],
    )
    wanted = np.array(_FACE_AT) * size - scale * (low + high) / 2
    least = np.array(size) - scale * np.array(source_photo_bgr.shape[1::-1])
    shift = np.clip(wanted, least, 0)
    view_from_photo = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    image = cv2.warpAffine(
        source_photo_bgr, view_from_photo, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    moved = landmarks * np.float32(scale)
    moved[:, :2] += shift.astype(np.float32)
    return np.asarray(image, np.uint8), np.asarray(moved, np.float32)


@dataclass(frozen=True, slots=True)
class _Box:
    """A part of a picture, in whole pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def of(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def _box_around(points_xy: NDArray[np.float32], size: tuple[int, int]) -> _Box:
    """Give the box of whole cells of `_COARSE` pixels around points, within a picture; it may be a cell too small."""
    low = np.clip(points_xy.min(axis=0) // _COARSE, 0, None).astype(int)
    high = np.minimum(points_xy.max(axis=0) // _COARSE + 1, np.array(size) // _COARSE).astype(int)
    (left, top), (width, height) = (low * _COARSE).tolist(), (np.maximum(high - low, 1) * _COARSE).tolist()
    return _Box(left, top, width, height)


class _Renderer:
    """Warps the part of the picture that moves.

    What is drawn is a map, linear inside every triangle: half size is enough for the face, less for what is around it.
    """

    def __init__(self, source_photo_bgr: BgrU8, landmarks: PointsF32, size: tuple[int, int], seed: int) -> None:
        self._size = size
        self._image, enlarged = _framed(source_photo_bgr, landmarks, size)
        self._image_4 = cv2.cvtColor(self._image, cv2.COLOR_BGR2BGRA)
        self._talking_head = talking_head = TalkingHead(enlarged)
        self._moving = _box_around(talking_head.moving_xy, size)
        low, span = talking_head.picture_xy.min(axis=0), np.ptp(talking_head.picture_xy, axis=0)
        carried = (talking_head.picture_xy - low) / span
        self._xy_from_drawn = np.array([[span[0], 0, 0, low[0]], [0, span[1], 0, low[1]]], np.float32)
        # Written anew with every frame, never given away.
        self._picture_xy = np.zeros((size[1], size[0], 2), np.float32)
        self._attributes = np.concatenate([carried, talking_head.darkness[:, None]], axis=1).astype(np.float32)
        self._seed = seed
        self._noise = _noise(size, seed)

    def frame(self, index: int, motion: HeadMotion) -> BgrU8:
        points = self._talking_head.posed(motion)
        face = _box_around(self._talking_head.face_xy(points), self._size)
        self._enlarge(self._drawn(points, self._moving, _COARSE), self._moving)
        fine = self._drawn(points, face, _FINE)
        self._enlarge(fine, face)
        image = self._image.copy()
        # Four channels: OpenCV warps them in half the time of three.
        moving_xy = self._picture_xy[self._moving.of]
        part = cv2.remap(  # type: ignore[call-overload]  # the stubs do not know that one map may hold x and y
            self._image_4,
            moving_xy,
            None,  # pyright: ignore[reportArgumentType] as above
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        image[self._moving.of] = cv2.cvtColor(np.asarray(part, np.uint8), cv2.COLOR_BGRA2BGR)
        _darken(image[face.of], fine[:, :, 2])
        return self._noisy(image, index)

    def _drawn(self, points: PointsF32, box: _Box, step: int) -> NDArray[np.float32]:
        """Draw the mesh over a box, one cell for `step` x `step` pixels."""
        within = points - np.array([box.left, box.top, 0], np.float32)
        cells = np.asarray((within + 0.5) / step - 0.5, np.float32)
        return rasterise(
            cells,
            self._talking_head.triangles,
            self._attributes,
            width=box.width // step,
            height=box.height // step,
            cull_back_faces=False,
        )

    def _enlarge(self, drawn: NDArray[np.float32], box: _Box) -> None:
        """Note which pixel of the portrait each pixel of the box shows."""
        coarse_xy = cv2.transform(drawn, self._xy_from_drawn)
        cv2.resize(coarse_xy, (box.width, box.height), self._picture_xy[box.of])

    def _noisy(self, image: NDArray[np.uint8], index: int) -> BgrU8:
        width, height = self._size
        left, top = np.random.default_rng((self._seed, index)).integers(0, _NOISE_MARGIN_PX, 2)
        noise = self._noise[top : top + height, left : left + width]
        lifted = cv2.add(image, noise)
        return np.asarray(cv2.subtract(lifted, np.full(4, _NOISE_LIFT, np.float64)), np.uint8)


def _noise(size: tuple[int, int], seed: int) -> NDArray[np.uint8]:
    width, height = size
    shape = (height + _NOISE_MARGIN_PX, width + _NOISE_MARGIN_PX, 3)
    drawn = np.random.default_rng(seed).standard_normal(shape, np.float32)
    lifted = np.clip(drawn * _NOISE_SIGMA + _NOISE_LIFT + 0.5, 0, 2 * _NOISE_LIFT)
    return np.asarray(lifted, np.uint8)


def _darken(image: NDArray[np.uint8], half_darkness: NDArray[np.float32]) -> None:
    """Blend the mouth's dark into the picture, in place, only where there is any; the darkness is of half its size."""
    left, top, width, height = cv2.boundingRect((half_darkness > 0.01).astype(np.uint8))
    if width == 0:
        return
    soft = cv2.blur(half_darkness[top : top + height, left : left + width], (3, 3))
    share = cv2.resize(soft, (2 * width, 2 * height))[:, :, None]
    part = image[2 * top : 2 * (top + height), 2 * left : 2 * (left + width)]
    part[:] = (part + (np.array(_MOUTH_BGR, np.float32) - part) * share + 0.5).astype(np.uint8)


def _make(request: SourceRequest) -> SyntheticSource:
    width, height = _DEFAULT_SIZE
    size = request.width or width, request.height or height
    return SyntheticSource(*size, request.fps or _DEFAULT_FPS, claps=request.claps)


def _claim(address: str) -> Claim:
    return Claim.SURE if address.strip().lower() == _ADDRESS else Claim.NO


PLUGIN: Final = SourcePlugin(
    make=_make,
    help="a portrait that turns, blinks and talks",
    address="synthetic",
    claims=_claim,
    takes_wishes=True,
    usual=Usual(
        2,
        lambda: _ADDRESS,
        lambda: "No camera was found, so a synthetic one plays. `mien devices` lists cameras, --camera names one.",
    ),
)
