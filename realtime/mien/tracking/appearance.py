"""What a face looks like from afar: enough to tell a person from the next, cheap enough for every frame."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.crop import Region, cut_patch
from mien_models.types import BgrU8

_SIZE_PX: Final = 16
_SAMPLES_PER_PIXEL: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """The face with its hair, upright, as 16 x 16 brightnesses without their mean, of length 1."""

    values: NDArray[np.float32]

    @staticmethod
    def of(image_bgr: BgrU8, region: Region) -> "Appearance":
        """Look at one region of a picture."""
        patch = cut_patch(*_thinned(image_bgr, region), _SIZE_PX).image_bgr
        grey = patch.astype(np.float32).sum(axis=2).ravel()
        grey -= grey.mean()
        return Appearance(grey / max(float(np.linalg.norm(grey)), 1e-6))

    def similarity(self, other: "Appearance") -> float:
        """Correlation, -1..1.

        Measured on real clips: one person from one frame to the next at least 0.89, 20 frames apart at least 0.71;
        two people 0.38 in the middle, and above 0.72 for one pair in ten.
        """
        return float((self.values * other.values).sum())


def _thinned(image_bgr: BgrU8, region: Region) -> tuple[BgrU8, Region]:
    """Leave pixels out of the surroundings of a large region: what is wanted is a glance, and fast."""
    step = int(region.side_px / (_SAMPLES_PER_PIXEL * _SIZE_PX))
    if step < 2:
        return image_bgr, region
    height, width = image_bgr.shape[:2]
    (x, y), reach = region.centre_xy, int(region.side_px)
    left, top = max(0, min(int(x) - reach, width - 1)), max(0, min(int(y) - reach, height - 1))
    part = np.ascontiguousarray(image_bgr[top : int(y) + reach : step, left : int(x) + reach : step])
    return part, Region(((x - left) / step, (y - top) / step), region.side_px / step, region.roll_rad)
