"""Enhance: a network makes each swapped face clearer, as it looks in the frame."""

from dataclasses import replace
from math import ceil, hypot
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien.pipeline.metrics import Part
from mien.stages.composite import Paster
from mien_models.interfaces import Enhancer
from mien_models.specs.templates import crop_from_frame
from mien_models.system.sentence import sentence
from mien_models.types import AffineF64, BgrU8, Face, SwappedFace, as_f32, as_u8

FADE: Final = 0.08
"""The enhancement fades out over this part of the network's picture towards its border."""


class EnhanceStage:
    """Adds to each crop what the network changes in the face that the crop makes; keeps nothing between frames.

    What the network is shown is the face in its frame, hair and neck included, as it was trained; what it changes there
    is laid over the crop, so that its outline, its alpha and the frame around it stay as they are.
    """

    name = "enhance"

    def __init__(self, enhancer: Enhancer, strength: float) -> None:
        """Take the network, and how much of its change is wanted, 0..1."""
        self._enhancer = enhancer
        self._strength = strength
        self._paster = Paster()
        self._fade = _faded(enhancer.side_px)
        self._enhancing = Part(sentence("The enhancement"))
        self.parts = (self._enhancing,)
        """What may be left out: all of it."""

    def __call__(self, frame: Frame) -> Frame:
        """Enhance the crops of `frame.swapped`."""
        if not frame.swapped or not self._enhancing.is_on:
            return frame
        faces = {face.id: face for face in frame.chosen}
        with self._enhancing.measured():
            enhanced = tuple(
                self._enhanced(frame.image, swapped, faces[swapped.face_id])
                if swapped.face_id in faces and swapped.alpha.any()
                else swapped
                for swapped in frame.swapped
            )
        return replace(frame, swapped=enhanced)

    def _enhanced(self, frame_bgr: BgrU8, swapped: SwappedFace, face: Face) -> SwappedFace:
        patch_from_frame = crop_from_frame(face.five_points, self._enhancer.template, self._enhancer.side_px)
        swapped_bgr = frame_bgr.copy()
        self._paster.apply(swapped_bgr, swapped)
        size = (self._enhancer.side_px, self._enhancer.side_px)
        patch_bgr = as_u8(
            cv2.warpAffine(swapped_bgr, patch_from_frame, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        )
        change = as_f32(self._enhancer.enhance(patch_bgr)) - as_f32(patch_bgr)
        change *= self._fade[..., None] * self._strength
        finer = _as_fine_as(swapped, patch_from_frame)
        height, width = finer.alpha.shape
        crop_from_patch = _crop_from_patch(finer.frame_from_crop, patch_from_frame)
        brought = as_f32(cv2.warpAffine(change, crop_from_patch, (width, height), flags=cv2.INTER_LINEAR))
        crop_bgr = np.clip(as_f32(finer.crop_bgr) + brought + 0.5, 0, 255).astype(np.uint8)
        return replace(finer, crop_bgr=crop_bgr)


def _as_fine_as(swapped: SwappedFace, patch_from_frame: AffineF64) -> SwappedFace:
    """Enlarge a crop coarser than both the frame and the network's picture: else it could not hold the change."""
    enlarged = hypot(*swapped.frame_from_crop[:, 0])
    factor = min(enlarged, enlarged * hypot(*patch_from_frame[:, 0]))
    if factor < 1.1:
        return swapped
    height, width = swapped.alpha.shape
    size = (ceil(width * factor), ceil(height * factor))
    # Pixel centres: those of the enlarged picture lie between the first one's.
    step_x, step_y = width / size[0], height / size[1]
    crop_from_finer = np.array([[step_x, 0, step_x / 2 - 0.5], [0, step_y, step_y / 2 - 0.5], [0, 0, 1]])
    return replace(
        swapped,
        crop_bgr=as_u8(cv2.resize(swapped.crop_bgr, size, interpolation=cv2.INTER_CUBIC)),
        alpha=as_u8(cv2.resize(swapped.alpha, size, interpolation=cv2.INTER_LINEAR)),
        frame_from_crop=swapped.frame_from_crop @ crop_from_finer,
    )


def _crop_from_patch(frame_from_crop: AffineF64, patch_from_frame: AffineF64) -> AffineF64:
    frame_from_patch = np.vstack([cv2.invertAffineTransform(patch_from_frame), (0, 0, 1)])
    matrix: AffineF64 = np.asarray(cv2.invertAffineTransform(frame_from_crop), np.float64) @ frame_from_patch
    return matrix


def _faded(side_px: int) -> NDArray[np.float32]:
    """Make (side_px, side_px) float32, 1 inside and smoothly 0 at the border."""
    inwards = np.minimum(np.arange(side_px), np.arange(side_px)[::-1]) / (FADE * side_px)
    t = np.clip(inwards, 0, 1)
    ramp = (t * t * (3 - 2 * t)).astype(np.float32)
    return np.minimum(ramp[:, None], ramp)
