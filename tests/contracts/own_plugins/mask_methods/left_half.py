"""Shows the new face on the left half only."""

from typing import Final

import numpy as np

from mien.stages.mask import FaceMask, MaskPlugin
from mien_models.types import BgrU8, Face

SIDE: Final = 64


class LeftHalf:
    """Looks at the face's box."""

    def mask(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> FaceMask | None:
        """Open the left half of it."""
        left, top, right, bottom = (float(edge) for edge in face.box_xyxy)
        image = np.full((SIDE, SIDE), 255, np.uint8)
        image[:, SIDE // 2 :] = 0
        return FaceMask(image, np.array([[(right - left) / SIDE, 0, left], [0, (bottom - top) / SIDE, top]]))

    def forget(self, face_id: int) -> None:
        """Remember nothing."""


PLUGIN: Final = MaskPlugin(make=lambda _target: LeftHalf(), help="half a face")
