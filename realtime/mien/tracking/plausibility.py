"""Whether landmarks can be a face's: the network gives 468 points for anything that it is shown."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.tracking.geometry import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, Extent
from mien_models.geometry.crop import Region
from mien_models.types import PointsF32

_LEFT_MOUTH: Final = 61
_RIGHT_MOUTH: Final = 291
_NOSE_TIP: Final = 4


@dataclass(frozen=True, slots=True)
class PlausibilitySettings:
    """How odd a face may be; measured wide of every real face tried, in all poses."""

    max_shift: float = 0.45
    """How far the face's middle may lie from the middle of the region searched, in sides of that region."""
    size_range: tuple[float, float] = (0.25, 1.4)
    """How much of the region's side the face may take."""
    aspect_range: tuple[float, float] = (0.75, 3.2)
    """Height by width of the face along its own axes; a profile is narrow."""
    min_inside: float = 0.5
    """Part of the landmarks that must lie inside the picture."""


def is_plausible(
    landmarks: PointsF32,
    extent: Extent,
    region: Region,
    size: tuple[int, int],
    settings: PlausibilitySettings,
) -> bool:
    """Tell whether landmarks of this extent can be a face's.

    They were found in `region` of a picture of `size`, which is (width, height).
    """
    found = extent.region()
    if not math.isfinite(float(landmarks.sum())) or extent.width <= 0:
        return False
    largest = max(extent.width, extent.height)
    eyes = (extent.height_of(landmarks[LEFT_EYE_OUTER]) + extent.height_of(landmarks[RIGHT_EYE_OUTER])) / 2
    mouth = (extent.height_of(landmarks[_LEFT_MOUTH]) + extent.height_of(landmarks[_RIGHT_MOUTH])) / 2
    return (
        math.dist(found.centre_xy, region.centre_xy) < settings.max_shift * region.side_px
        and settings.size_range[0] < largest / region.side_px < settings.size_range[1]
        and settings.aspect_range[0] < extent.height / extent.width < settings.aspect_range[1]
        and 0 < eyes < mouth < 1
        and extent.height_of(landmarks[_NOSE_TIP]) < mouth + 0.1
        and _share_inside(landmarks, size) >= settings.min_inside
    )


def _share_inside(landmarks: PointsF32, size: tuple[int, int]) -> float:
    xy = landmarks[:, :2]
    inside = ((xy >= 0) & (xy < np.array(size, np.float32))).all(axis=1)
    return float(np.mean(inside))
