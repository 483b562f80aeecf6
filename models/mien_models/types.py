"""A face as it is found, followed and swapped."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SwapOptions:
    """Wishes; a swapper that cannot do a thing ignores its option."""

    shape: float = 0.8
    """0..1, from the target's own proportions to those of the source face."""
    strength: float = 1.0
    """How much of the source's identity a network is given: 0 the target's own, 1 the source's, above 1 more."""
    boost: int = 1
    """A network is run on so many times its side, in interleaved parts; its cost grows with the square."""
    morph: float | None = None
    """0..1, for DeepFaceLab's models that have such an input; None: as the model's own settings say."""
    template: str | None = None
    """A name of `specs.templates` to align faces with instead of the one that a network was trained with."""
    photo_eyes: bool = False
    """Lids and the irises' colour are the source face's; how far the eyes are open and where they look stays."""


BgrU8: TypeAlias = NDArray[np.uint8]
"""A picture: (height, width, 3), 0..255, colour order blue, green, red."""


MaskU8: TypeAlias = NDArray[np.uint8]
"""A mask: (height, width), 0 = outside, 255 = inside."""


PointsF32: TypeAlias = NDArray[np.float32]
"""Points in pixels of the picture they were found in: (n, 2) as x, y, or (n, 3) as x, y, z.

The centre of the top left pixel is (0, 0), as in OpenCV's warps. z is in the same unit, smaller towards the camera.
"""


AffineF64: TypeAlias = NDArray[np.float64]
"""A 2x3 matrix that takes column vectors (x, y, 1) of one picture to (x, y) of another."""


as_u8: Final[Callable[[np.ndarray[Any, Any]], NDArray[np.uint8]]] = partial(np.asarray, dtype=np.uint8)
"""State that an array is 8 bit where a library leaves its type open; copies only if it is not."""


as_f32: Final[Callable[[np.ndarray[Any, Any]], NDArray[np.float32]]] = partial(np.asarray, dtype=np.float32)
"""State that an array is float32 where a library leaves its type open; copies only if it is not."""


@dataclass(frozen=True, eq=False)
class Warp:
    """Where each pixel of a rectangle of the frame takes its content from; outside of the rectangle nothing moves."""

    left: int
    top: int
    width: int
    height: int
    """The rectangle, in whole pixels; it lies inside the frame."""
    shift_px: NDArray[np.float32]
    """(rows, columns, 2) how far from a pixel its content lies, x to the right and y down, in pixels of the frame.

    Coarse: the grid is spread over the rectangle as `cv2.resize` spreads a small picture over a large one. It is 0
    along the rectangle's border, but for where that is the frame's own.
    """

    def __post_init__(self) -> None:
        """Refuse a grid that holds no shifts."""
        if self.shift_px.ndim != 3 or self.shift_px.shape[2] != 2 or self.shift_px.dtype != np.float32:
            raise ValueError(f"shift_px must be (rows, columns, 2) float32, got {self.shift_px.shape}")

    def warped(self, image: NDArray[Any]) -> BgrU8:
        """Give the rectangle of a frame of 8 bits, warped: (height, width, 3); what moves nowhere is bit-identical."""
        import cv2  # settings and messages use this module too, and whoever reads those needs no OpenCV

        shift_x, shift_y = (as_f32(cv2.resize(shift, (self.width, self.height))) for shift in self._shifts)
        region = image[self.top : self.top + self.height, self.left : self.left + self.width]
        # Four channels: OpenCV looks them up nearly twice as fast as three.
        four = cv2.cvtColor(region, cv2.COLOR_BGR2BGRA)
        how = cv2.INTER_LINEAR | cv2.WARP_RELATIVE_MAP
        looked_up = cv2.remap(four, shift_x, shift_y, how, borderMode=cv2.BORDER_REPLICATE)
        return as_u8(cv2.cvtColor(looked_up, cv2.COLOR_BGRA2BGR))

    def origin(
        self, at_x: NDArray[np.float32], at_y: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Say where in the frame the content of places of the warped frame lies.

        Args:
            at_x: (rows, columns) places in pixels of the frame, anywhere.
            at_y: the same downwards.
        """
        import cv2

        rows, columns = self.shift_px.shape[:2]
        cell_x = as_f32((at_x - self.left + 0.5) * (columns / self.width) - 0.5)
        cell_y = as_f32((at_y - self.top + 0.5) * (rows / self.height) - 0.5)
        shift_x, shift_y = (
            as_f32(cv2.remap(shift, cell_x, cell_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
            for shift in self._shifts
        )
        return at_x + shift_x, at_y + shift_y

    def moved(self, points: PointsF32) -> PointsF32:
        """Say where in the warped frame the content of points (n, 2) of the frame lies."""
        there = points
        for _ in range(2):  # the shift changes little over its own length
            origin = self.origin(there[:, :1], there[:, 1:])
            there = as_f32(there + points - np.hstack(origin))
        return there

    @cached_property
    def _shifts(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return np.ascontiguousarray(self.shift_px[..., 0]), np.ascontiguousarray(self.shift_px[..., 1])


@dataclass(frozen=True, slots=True, eq=False)
class Retouch:
    """Pixels of the frame that show something else, under a swapped face and beside it."""

    bgr: BgrU8
    """(h, w, 3) what they show; the rectangle lies inside the frame."""
    where: MaskU8
    """(h, w) not 0 where something is shown."""
    left: int
    top: int


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Where a head points, in degrees; all zero when it looks straight into the camera."""

    yaw_deg: float
    """Positive when the nose points to the right edge of the picture."""
    pitch_deg: float
    """Positive when the nose points up."""
    roll_deg: float
    """Positive when the head is tilted clockwise in the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """What a detector says of one face, before landmarks."""

    box_xyxy: NDArray[np.float32]
    """(4,) left, top, right, bottom in pixels of the frame; may reach over its edges."""
    keypoints: PointsF32
    """(k, 2) in pixels; the first two are the eyes: the one on the picture's left, then the one on its right."""
    score: float
    """0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One followed face in one frame."""

    id: int
    """Stays with one person through crossings and short losses; never reused in a session."""
    box_xyxy: NDArray[np.float32]
    """(4,) left, top, right, bottom of the landmarks, in pixels of the frame."""
    landmarks: PointsF32
    """(468, 3) MediaPipe FaceMesh points in pixels of the frame; z grows away from the camera."""
    pose: HeadPose
    score: float
    """0..1, how sure the landmark network is that this is a face."""

    @property
    def five_points(self) -> PointsF32:
        """(5, 2) left eye, right eye, nose tip, left and right mouth corner, left as seen in the picture.

        The order that ArcFace alignment templates use (insightface, `arcface_dst`).
        """
        xy = self.landmarks[:, :2]
        eyes = [(xy[33] + xy[133]) / 2, (xy[263] + xy[362]) / 2]
        return np.stack([*eyes, xy[4], xy[61], xy[291]]).astype(np.float32)

    @property
    def width_px(self) -> float:
        """Distance between the outer ends of the landmarks' box, the measure for sizes in parts of face size."""
        return float(self.box_xyxy[2] - self.box_xyxy[0])


@dataclass(frozen=True, slots=True, eq=False)
class FaceView:
    """One photo of a face, and where the face is in it."""

    photo_bgr: BgrU8
    face: Face


@dataclass(frozen=True, slots=True, eq=False)
class SourceFace:
    """The source face: one person, seen in one photo or in several."""

    views: tuple[FaceView, ...]
    """At least one; the one that shows most of the face first."""

    def __post_init__(self) -> None:
        """Refuse a face that nobody has seen."""
        if not self.views:
            raise ValueError("a source face needs at least one view")

    @classmethod
    def of(cls, photo_bgr: BgrU8, face: Face) -> "SourceFace":
        """Make it of a single photo."""
        return cls((FaceView(photo_bgr, face),))

    @property
    def best(self) -> FaceView:
        """The view that shows most of the face; all there is for whoever needs one photo only."""
        return self.views[0]


@dataclass(frozen=True, slots=True, eq=False)
class SwappedFace:
    """What every swapper returns: a crop, its alpha and where the crop lies in the frame.

    Everything after the swap (colour, compose, marks) knows only this.
    """

    face_id: int
    crop_bgr: BgrU8
    """(h, w, 3) the new face; the swapper gives it away and keeps no reference."""
    alpha: MaskU8
    """(h, w) 0 where the frame stays as it is, 255 where the crop covers it."""
    frame_from_crop: AffineF64
    """Takes crop pixels to frame pixels; a whole-pixel translation is composed without resampling."""
    warp: Warp | None = None
    """How the frame is warped before the crop is laid over it; None where it stays as it is.

    Crop, alpha and matrix belong to the warped frame. Whoever compares them with the frame, or brings a mask of the
    frame to them, asks `warp.origin` where the content of a place lies.
    """
    retouches: tuple[Retouch, ...] = ()
    """What is done to the frame, in this order, before it is warped and the crop is laid over it.

    So the alpha stays the face's own: what makes it smaller afterwards shows the frame as it was retouched.
    """
    trust: MaskU8 | None = None
    """(n, n) on the face's atlas, how much of the face a photo really shows; None where all of it is known."""

    def __post_init__(self) -> None:
        """Refuse shapes and types that do not fit together."""
        if self.crop_bgr.ndim != 3 or self.crop_bgr.shape[2] != 3 or self.crop_bgr.dtype != np.uint8:
            raise ValueError(f"crop_bgr must be (h, w, 3) uint8, got {self.crop_bgr.shape} {self.crop_bgr.dtype}")
        if self.alpha.shape != self.crop_bgr.shape[:2] or self.alpha.dtype != np.uint8:
            raise ValueError(
                f"alpha must be {self.crop_bgr.shape[:2]} uint8, got {self.alpha.shape} {self.alpha.dtype}"
            )
        if self.frame_from_crop.shape != (2, 3):
            raise ValueError(f"frame_from_crop must be (2, 3), got {self.frame_from_crop.shape}")


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring a vector (n,) to length 1; one of zeros stays."""
    return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-12))
