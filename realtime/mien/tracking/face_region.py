"""The part of a frame that a face lies in."""

from dataclasses import dataclass

import numpy as np

from mien_models.types import BgrU8, PointsF32


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The part of a frame that a mesh lies in."""

    bgr: BgrU8
    points: PointsF32
    """(504, 3) the mesh with its rim, in pixels of that part."""
    left: int
    top: int


def cut_out(frame_bgr: BgrU8, points: PointsF32) -> Region | None:
    """Cut the rectangle of a mesh out of a frame; None where next to nothing of it is inside."""
    height, width = frame_bgr.shape[:2]
    low, high = np.floor(points[:, :2].min(axis=0)), np.ceil(points[:, :2].max(axis=0)) + 1
    left, right = (int(np.clip(edge, 0, width)) for edge in (low[0], high[0]))
    top, bottom = (int(np.clip(edge, 0, height)) for edge in (low[1], high[1]))
    if right - left < 8 or bottom - top < 8:
        return None
    placed = points.copy()
    placed[:, :2] -= (left, top)
    return Region(frame_bgr[top:bottom, left:right], placed, left, top)
