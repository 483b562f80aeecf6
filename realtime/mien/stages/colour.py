"""Colour: every crop takes the tone of the skin it covers; the statistics are smoothed in time, not the pixels."""

from dataclasses import dataclass, replace
from math import exp
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.colouring import ColourMap, ColourMethod, SkinStatistics
from mien.packet import FramePacket
from mien_models.arrays import AffineF64, BgrU8, as_f32, as_u8
from mien_models.bend import Bend
from mien_models.faces import SwappedFace

SAMPLE_PX: Final = 48
"""Statistics are taken from a grid of at most this many samples each way."""
FEWEST_SAMPLES: Final = 60
"""With less skin than this in sight the last statistics stay in force."""
OPAQUE: Final = 200
"""Only where the crop covers the frame at least this much, of 255, is it skin of both."""
CLIPPED: Final = (5, 250)
"""Levels beyond these say nothing of a colour."""
SETTLING_S: Final = 0.4
"""Time constant of the statistics' smoothing, in seconds."""
OBSERVE_EVERY_S: Final = 0.05
"""Skin is measured no more often than this."""
LONGEST_PAUSE_S: Final = 1.0
"""After a longer pause the statistics are taken anew."""


@dataclass(slots=True)
class _Known:
    """What is remembered of one face."""

    crop: SkinStatistics
    frame: SkinStatistics
    fit: ColourMap
    captured_ns: int


class ColourStage:
    """Applies a colour method to each swapped crop; keeps the smoothed statistics of the faces it saw last."""

    name = "colour"

    def __init__(self, method: ColourMethod) -> None:
        self._method = method
        self._known: dict[int, _Known] = {}

    def __call__(self, packet: FramePacket) -> FramePacket:
        """Recolour `packet.swapped`; crops of which too little skin is seen keep their colours."""
        recoloured = tuple(self._recoloured(packet, swapped) for swapped in packet.swapped)
        followed = {face.id for face in packet.faces}
        self._known = {face_id: known for face_id, known in self._known.items() if face_id in followed}
        return replace(packet, swapped=recoloured)

    def _recoloured(self, packet: FramePacket, swapped: SwappedFace) -> SwappedFace:
        known = self._observe(packet, swapped)
        if known is None:
            return swapped
        return replace(swapped, crop_bgr=apply(known.fit, swapped.crop_bgr))

    def _observe(self, packet: FramePacket, swapped: SwappedFace) -> _Known | None:
        known = self._known.get(swapped.face_id)
        elapsed_s = (packet.captured_ns - known.captured_ns) / 1e9 if known else LONGEST_PAUSE_S
        if known is not None and 0 <= elapsed_s < OBSERVE_EVERY_S:
            return known
        crop_skin, frame_skin = skin_samples(packet.image, swapped)
        if len(crop_skin) < FEWEST_SAMPLES:
            return known
        crop, frame = statistics(crop_skin), statistics(frame_skin)
        if known is not None and 0 <= elapsed_s < LONGEST_PAUSE_S:
            share = 1 - exp(-elapsed_s / SETTLING_S)
            crop, frame = _mixed(known.crop, crop, share), _mixed(known.frame, frame, share)
        now = _Known(crop, frame, self._method(crop, frame), packet.captured_ns)
        self._known[swapped.face_id] = now
        return now


def apply(colour_map: ColourMap, crop_bgr: BgrU8) -> BgrU8:
    """Give the crop in its new colours."""
    image = cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2LAB) if colour_map.space == "lab" else crop_bgr
    if colour_map.table is not None:
        image = cv2.LUT(image, colour_map.table[None])
    elif colour_map.matrix is not None and not np.array_equal(colour_map.matrix, np.eye(3, 4)):
        image = cv2.transform(image, colour_map.matrix)
    if colour_map.space == "lab":
        image = cv2.cvtColor(image, cv2.COLOR_LAB2BGR)
    return as_u8(image)


def skin_samples(image_bgr: BgrU8, swapped: SwappedFace) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Give the same places of crop and frame, where the crop is opaque and neither is clipped: two (n, 1, 3) arrays."""
    height, width = swapped.alpha.shape
    scale = min(1.0, SAMPLE_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    crop_from_sample = np.array([[1 / scale, 0, 0.5 / scale - 0.5], [0, 1 / scale, 0.5 / scale - 0.5], [0, 0, 1]])
    frame_from_sample = swapped.frame_from_crop @ crop_from_sample
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # Both are sampled the same way: a sharper sampling of one would give it the larger spread.
    crop = as_u8(cv2.warpAffine(swapped.crop_bgr, crop_from_sample[:2], size, flags=flags))
    frame = _sampled_frame(image_bgr, swapped.bend, frame_from_sample, size)
    alpha = as_u8(cv2.warpAffine(swapped.alpha, crop_from_sample[:2], size, flags=flags))
    usable = alpha >= OPAQUE
    for image in (crop, frame):
        usable &= cv2.inRange(image, (CLIPPED[0],) * 3, (CLIPPED[1],) * 3) > 0
    return as_u8(crop[usable][:, None]), as_u8(frame[usable][:, None])


def _sampled_frame(image_bgr: BgrU8, bend: Bend | None, frame_from_sample: AffineF64, size: tuple[int, int]) -> BgrU8:
    """Look at the frame on a grid of samples, where each has its content once the frame is bent."""
    if bend is None:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return as_u8(cv2.warpAffine(image_bgr, frame_from_sample[:2], size, flags=flags))
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    (a, b, x), (c, d, y) = frame_from_sample.tolist()
    at_x, at_y = bend.origin(as_f32(a * columns + b * rows + x), as_f32(c * columns + d * rows + y))
    return as_u8(cv2.remap(image_bgr, at_x, at_y, cv2.INTER_LINEAR))


def statistics(skin_bgr: NDArray[np.uint8]) -> SkinStatistics:
    """Measure skin given as (n, 1, 3) pixels."""
    pixels = skin_bgr[:, 0].astype(np.float64)
    mean = pixels.mean(axis=0)
    centred = pixels - mean
    lab = cv2.cvtColor(skin_bgr, cv2.COLOR_BGR2LAB)[:, 0].astype(np.float64)
    histogram = np.stack([np.bincount(skin_bgr[:, 0, c], minlength=256) for c in range(3)]) / len(pixels)
    return SkinStatistics(
        mean_bgr=mean,
        covariance_bgr=centred.T @ centred / len(pixels),
        mean_lab=lab.mean(axis=0),
        std_lab=lab.std(axis=0),
        histogram_bgr=histogram,
    )


def _mixed(old: SkinStatistics, new: SkinStatistics, share: float) -> SkinStatistics:
    return SkinStatistics(
        mean_bgr=old.mean_bgr + share * (new.mean_bgr - old.mean_bgr),
        covariance_bgr=old.covariance_bgr + share * (new.covariance_bgr - old.covariance_bgr),
        mean_lab=old.mean_lab + share * (new.mean_lab - old.mean_lab),
        std_lab=old.std_lab + share * (new.std_lab - old.std_lab),
        histogram_bgr=old.histogram_bgr + share * (new.histogram_bgr - old.histogram_bgr),
    )
