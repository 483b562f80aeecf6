"""A photo worn through Mien's own stages: laid flat, drawn, coloured, as sharp as the frame, pasted."""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from camera_faults import smooth_field
from numpy.random import Generator
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien.stages.colour import ColourStage
from mien.stages.colour_methods.skin_statistics import match_covariance
from mien.stages.composite import Paster
from mien.stages.detail import DetailStage
from mien.tracking.geometry import box_xyxy, head_pose
from mien_models.swappers.mesh import MeshSwapper
from mien_models.swappers.mesh.glasses import Glasses
from mien_models.swappers.mesh.multi_view import understand_flat
from mien_models.swappers.mesh.texture import FaceTexture, side_for, texture_of
from mien_models.swappers.mesh.unwrap_photo import lay_flat
from mien_models.types import BgrU8, Face, FaceView, MaskU8, PointsF32, SourceFace, SwappedFace, as_f32

CAPTURED_NS: Final = 10**9
UNMATCHED: Final = 0.6
"""Part of the faces whose detail is not matched to the frame."""
_PASTER: Final = Paster()


@dataclass(frozen=True, slots=True, eq=False)
class Lent:
    """A photo, ready to be worn."""

    texture: FaceTexture
    trust: NDArray[np.float32]
    """(n, n) how much of the atlas the photo really shows, 0..1."""


def lent(rng: Generator, photo_bgr: BgrU8, landmarks: PointsF32, *, has_glasses: bool) -> Lent:
    """Bake a photo; by chance it is turned, so that a part of the face was not seen, or partly covered."""
    face = face_of(landmarks)
    view = FaceView(photo_bgr, face)
    photo = lay_flat(view, side_for(SourceFace((view,))))
    photo = replace(photo, seen=as_f32(photo.seen * _seen_by_chance(rng, len(photo.seen))))
    flat = understand_flat(photo, face, Glasses(are_worn=has_glasses, are_dark=False))
    if rng.random() < 0.3:
        flat = replace(flat, smile=rng.random())
    return Lent(texture_of((flat,)), flat.skin.trust)


def _seen_by_chance(rng: Generator, side_px: int) -> NDArray[np.float32]:
    seen = np.ones((side_px, side_px), np.float32)
    if rng.random() < 0.4:
        across = (np.arange(side_px, dtype=np.float32) + 0.5) / side_px - 0.5
        edge, soft = rng.uniform(-0.08, 0.35), rng.uniform(0.03, 0.15)
        seen *= 1 - np.clip((rng.choice([-1, 1]) * across - edge) / soft, 0, 1).astype(np.float32)
    if rng.random() < 0.15:
        seen *= np.clip(3 - 3 * smooth_field(rng, seen.shape, 6, 1.0), 0, 1)
    return seen


class Fitting:
    """Wears photos on single frames; keeps Mien's stages, which cost more to make than to run."""

    def __init__(self, rng: Generator) -> None:
        self._rng = rng
        self._detail = DetailStage()
        self._faces = 0

    def wear(self, lent_face: Lent, frame_bgr: BgrU8, landmarks: PointsF32) -> SwappedFace:
        """Swap a face of one frame; by chance before the detail is matched, as the network will see it, or after."""
        self._faces += 1  # a face that no stage remembers
        face = replace(face_of(landmarks), id=self._faces)
        packet = Frame(frame_bgr, 0, CAPTURED_NS, (face,), (face,))
        swapped = _swapper(lent_face).swap(frame_bgr, face, captured_ns=CAPTURED_NS)
        coloured = ColourStage(match_covariance)(replace(packet, swapped=(swapped,)))
        return (coloured if self._rng.random() < UNMATCHED else self._detail(coloured)).swapped[0]


def _swapper(lent_face: Lent) -> MeshSwapper:
    return MeshSwapper(lent_face.texture, np.zeros((468, 3), np.float32), strength=0, pitch_offset_rad=0.0)


def pasted(frame_bgr: BgrU8, swapped: SwappedFace) -> BgrU8:
    """Give a copy of the frame with the face in place."""
    composed = frame_bgr.copy()
    _PASTER.apply(composed, swapped)
    return composed


def hidden_behind(swapped: SwappedFace, mask: NDArray[np.float32]) -> SwappedFace:
    """Take (h, w) 0..1 of the frame off a swapped face's alpha, as a mask of what is in front does."""
    (_, _, x), (_, _, y) = swapped.frame_from_crop
    rows, columns = swapped.alpha.shape
    part = mask[int(y) : int(y) + rows, int(x) : int(x) + columns]
    return replace(swapped, alpha=(swapped.alpha * (1 - np.clip(part, 0, 1))).astype(np.uint8))


def alpha_of(swapped: SwappedFace, shape: tuple[int, ...]) -> MaskU8:
    """Give (h, w) of the frame's shape: how much the face covers."""
    full = np.zeros(shape[:2], np.uint8)
    (_, _, x), (_, _, y) = swapped.frame_from_crop
    rows, columns = swapped.alpha.shape
    full[int(y) : int(y) + rows, int(x) : int(x) + columns] = swapped.alpha
    return full


def face_of(landmarks: PointsF32) -> Face:
    """Make a face of its landmarks."""
    return Face(0, box_xyxy(landmarks), landmarks, head_pose(landmarks), 1.0)


def shrunk(image_bgr: BgrU8, landmarks: PointsF32, width_px: float, around: float) -> tuple[BgrU8, PointsF32]:
    """Cut a face with its surroundings out, at most so wide; 128 px crops show no more."""
    scale = min(1.0, width_px / float(np.ptp(landmarks[:, 0])))
    if scale < 1:
        image_bgr = np.asarray(cv2.resize(image_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        landmarks = as_f32(landmarks * scale)
    reach = around * float(np.ptp(landmarks[:, 0]))
    low = np.maximum(np.floor(landmarks[:, :2].min(axis=0) - reach).astype(int), 0)
    high = np.minimum(np.ceil(landmarks[:, :2].max(axis=0) + reach).astype(int), image_bgr.shape[1::-1])
    cut = np.ascontiguousarray(image_bgr[low[1] : high[1], low[0] : high[0]])
    return cut, as_f32(landmarks - np.array([low[0], low[1], 0], np.float32))
