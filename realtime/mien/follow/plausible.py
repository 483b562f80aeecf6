"""Whether landmarks can be a face's: the network gives 468 points for anything that it is shown."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.follow.geometry import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, roll_rad
from mien_models.arrays import PointsF32
from mien_models.regions import Region

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
    landmarks: PointsF32, region: Region, width: int, height: int, settings: PlausibilitySettings | None = None
) -> bool:
    """Tell whether landmarks found in `region` of a picture of width x height can be a face's."""
    settings = settings or PlausibilitySettings()
    xy = landmarks[:, :2].astype(np.float64)
    if not np.isfinite(landmarks).all():
        return False
    roll = roll_rad(landmarks)
    cos, sin = math.cos(roll), math.sin(roll)
    upright = xy @ np.array([[cos, -sin], [sin, cos]])
    low, high = upright.min(axis=0), upright.max(axis=0)
    size = high - low
    middle = xy.mean(axis=0)
    inside = (xy >= 0).all(axis=1) & (xy[:, 0] < width) & (xy[:, 1] < height)
    eyes_y = upright[[LEFT_EYE_OUTER, RIGHT_EYE_OUTER], 1].mean()
    mouth_y = upright[[_LEFT_MOUTH, _RIGHT_MOUTH], 1].mean()
    return bool(
        np.linalg.norm(middle - region.centre_xy) < settings.max_shift * region.side_px
        and settings.size_range[0] < size.max() / region.side_px < settings.size_range[1]
        and settings.aspect_range[0] < size[1] / max(size[0], 1e-6) < settings.aspect_range[1]
        and inside.mean() >= settings.min_inside
        and low[1] < eyes_y < mouth_y < high[1]
        and upright[_NOSE_TIP, 1] < mouth_y + 0.1 * size[1]
    )
