"""A face's own history: what looks unlike the wearer's bare face, at its place on the face, is in front of it."""

from typing import Final

import numpy as np

from mien.stages.mask_methods._base import FaceMask, MaskPlugin
from mien.stages.occlusion.background_model import BackgroundModel
from mien.stages.occlusion.features import SIDE_PX
from mien.stages.occlusion.matting import cut_out, place
from mien_models.geometry.face_mesh import face_topology
from mien_models.geometry.unwrap import unwrapper
from mien_models.swappers.mesh.unwrap_photo import facing
from mien_models.types import BgrU8, Face

LONGEST_PAUSE_S: Final = 1.0
"""After a longer pause a face is learned anew."""
SHOWN_FROM: Final = 0.06
"""Less of an occluder than this, at every texel, is nothing: most frames end here."""


class HistoryMask:
    """Compares each face with what it learned of it; keeps that until the face is forgotten or away for long."""

    def __init__(self) -> None:
        self._topology = face_topology()
        self._unwrap = unwrapper(SIDE_PX)
        self._background: dict[int, BackgroundModel] = {}

    def mask(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> FaceMask | None:
        """Learn what is bare and mask what is not; 0.9 ms, 2.3 ms with something in front."""
        points = self._topology.with_rim(face.landmarks)
        region = cut_out(frame_bgr, points)
        if region is None:
            return None
        towards = facing(points)
        flat = self._unwrap(region.bgr, region.points, np.clip(towards, 0, 1))
        background = self._background.get(face.id)
        if background is None or not 0 <= captured_ns - background.seen_ns <= LONGEST_PAUSE_S * 1e9:
            background = self._background[face.id] = BackgroundModel(captured_ns)
        hidden = background.hidden(flat, captured_ns)
        if hidden.max() < SHOWN_FROM:
            return None
        return place(hidden, region, towards)

    def forget(self, face_id: int) -> None:
        """Drop what was learned of a face."""
        self._background.pop(face_id, None)


PLUGIN: Final = MaskPlugin(
    make=lambda _target: HistoryMask(),
    help="hands and things stay in front, by what the bare face looked like; 1 to 2 ms",
)
