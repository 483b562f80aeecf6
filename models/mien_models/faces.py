"""A face as it is found, followed and swapped."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien_models.arrays import AffineF64, BgrU8, MaskU8, PointsF32
from mien_models.bend import Bend


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
    """The face that is lent: one person, seen in one photo or in several."""

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
    bend: Bend | None = None
    """How the frame is bent before the crop is laid over it; None where it stays as it is.

    Crop, alpha and matrix belong to the bent frame. Whoever compares them with the frame, or brings a mask of the frame
    to them, asks `bend.origin` where the content of a place lies.
    """

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
