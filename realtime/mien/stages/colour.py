"""Colour: every crop takes the tone of the skin it covers; the statistics are smoothed in time, not the pixels.

A change of light is no statistics: it is read from the same places of skin in two frames that follow each other, and
applied at once to what is remembered. So a lamp is followed within a frame, while a hand or a turned head, which change
what is in sight, change the tone slowly.
"""

from dataclasses import dataclass, replace
from math import exp
from typing import Final

import cv2
import numpy as np

from mien.pipeline.frame import Frame
from mien.stages.colour_methods._base import ColourMap, ColourMethod, SkinStatistics
from mien.stages.skin import SkinView, light_change, mixed, relit, view_skin
from mien_models.types import BgrU8, SwappedFace, as_u8

SETTLING_S: Final = 0.4
"""Time constant of the statistics' smoothing, in seconds."""
MEASURE_EVERY_S: Final = 0.05
"""Statistics are measured no more often than this."""
LONGEST_PAUSE_S: Final = 1.0
"""After a longer pause the statistics are taken anew."""


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What is remembered of one face."""

    crop: SkinStatistics
    frame: SkinStatistics
    view: SkinView
    measured_ns: int


class ColourStage:
    """Applies a colour method to each swapped crop; keeps the smoothed statistics of the faces it saw last."""

    name = "colour"

    def __init__(self, method: ColourMethod) -> None:
        self._method = method
        self._known: dict[int, _Known] = {}

    def __call__(self, packet: Frame) -> Frame:
        """Recolour `packet.swapped`; crops of which too little skin is seen keep their colours."""
        recoloured = tuple(self._recoloured(packet, swapped) for swapped in packet.swapped)
        followed = {face.id for face in packet.faces}
        self._known = {face_id: known for face_id, known in self._known.items() if face_id in followed}
        return replace(packet, swapped=recoloured)

    def _recoloured(self, packet: Frame, swapped: SwappedFace) -> SwappedFace:
        known, view, now_ns = self._known.get(swapped.face_id), view_skin(packet.image, swapped), packet.captured_ns
        if known is not None and not 0 <= now_ns - known.measured_ns < LONGEST_PAUSE_S * 1e9:
            known = None
        if known is not None:
            known = _under_new_light(known, view)
        if view.is_enough:
            known = _measured_anew(known, view, now_ns)
        if known is None:
            return swapped
        self._known[swapped.face_id] = known
        return replace(swapped, crop_bgr=apply(self._method(known.crop, known.frame), swapped.crop_bgr))


def _under_new_light(known: _Known, view: SkinView) -> _Known:
    """Bring what is remembered into the light of now."""
    usable = known.view.usable & view.usable
    crop = relit(known.crop, light_change(known.view.crop_bgr, view.crop_bgr, usable))
    frame = relit(known.frame, light_change(known.view.frame_bgr, view.frame_bgr, usable))
    return _Known(crop, frame, view, known.measured_ns)


def _measured_anew(known: _Known | None, view: SkinView, now_ns: int) -> _Known:
    """Let what is seen now into what is remembered, if it is time."""
    if known is None:
        return _Known(view.crop, view.frame, view, now_ns)
    elapsed_s = (now_ns - known.measured_ns) / 1e9
    if elapsed_s < MEASURE_EVERY_S:
        return known
    share = 1 - exp(-elapsed_s / SETTLING_S)
    return _Known(mixed(known.crop, view.crop, share), mixed(known.frame, view.frame, share), view, now_ns)


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
