"""The part of a frame around a face, to be painted on: what is done to it becomes a retouch under the swapped face."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.stages.composite import lay
from mien_models.types import BgrU8, Face, MaskU8, Retouch, SwappedFace

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels of the frame."""


@dataclass(frozen=True, slots=True, eq=False)
class FramePart:
    """The camera's own pixels in a box, with what was retouched before."""

    bgr: BgrU8
    """May be painted on."""
    left: int
    top: int

    def retouched(self, swapped: SwappedFace, where: MaskU8) -> SwappedFace:
        """Give a swapped face under which this part shows, as it is now, where a mask of it is not 0."""
        return replace(swapped, retouches=(*swapped.retouches, Retouch(self.bgr, where, self.left, self.top)))

    def placed(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give (n, 2) points of the frame in pixels of this part."""
        return points - np.array([self.left, self.top], np.float32)


def box_around(face: Face, *, beside: float, above: float = 0.0, below: float = 0.0) -> Box:
    """Give the box of a face's landmarks, wider by so many parts of the face's width."""
    low, high = face.landmarks[:, :2].min(axis=0), face.landmarks[:, :2].max(axis=0)
    beside, above, below = (part * face.width_px for part in (beside, above, below))
    return int(low[0] - beside), int(low[1] - above), int(high[0] + beside), int(high[1] + below)


def frame_part(frame_bgr: BgrU8, swapped: SwappedFace, box: Box) -> FramePart | None:
    """Cut a box out of the frame; None where next to nothing of it is inside."""
    height, width = frame_bgr.shape[:2]
    left, top, right, bottom = max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)
    if right - left < 2 or bottom - top < 2:
        return None
    part = FramePart(frame_bgr[top:bottom, left:right].copy(), left, top)
    for retouch in swapped.retouches:
        lay(part.bgr, retouch, left, top)
    return part
