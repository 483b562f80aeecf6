"""Lids where a network sees them: the mesh's own follow blinks by half only, and the skin around moves with them."""

from math import hypot
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.networks.eyes import CORNERS, EyeLook
from mien_models.types import PointsF32, as_f32

UPPER: Final = (
    ((246, 161, 160, 159, 158, 157, 173), (247, 30, 29, 27, 28, 56, 190), (113, 225, 224, 223, 222, 221, 189)),
    ((466, 388, 387, 386, 385, 384, 398), (467, 260, 259, 257, 258, 286, 414), (342, 445, 444, 443, 442, 441, 413)),
)
"""Of each eye the points on the upper lid's edge, on the ring around it and on the next, from the outer corner in."""
LOWER: Final = (
    ((7, 163, 144, 145, 153, 154, 155), (25, 110, 24, 23, 22, 26, 112), (31, 228, 229, 230, 231, 232, 233)),
    ((249, 390, 373, 374, 380, 381, 382), (255, 339, 254, 253, 252, 256, 341), (261, 448, 449, 450, 451, 452, 453)),
)
FOLLOWS: Final = (1.0, 0.9, 0.4)
"""How much of a lid's way its edge and the two rings go: lashes go along, and the skin above them is stretched."""
TOWARDS: Final = (0.35, 0.6)
"""How long an eye is seen, in parts of its length: below the first its lids are not moved, above the second fully."""
MOST_PX: Final = 2.5
"""A lower lid is believed so far from where the mesh has it, in pixels of the look, an upper one above or below it."""
SURE: Final = 0.4
"""Where so much of a column is seen of the eyeball, in pixels, its height is known; else it is the lower lid's."""


def opening_px(looks: tuple[EyeLook, EyeLook]) -> float:
    """Say how far the wider one of two eyes is open, in pixels of the look."""
    return max(float(look.open.sum(axis=0).max()) for look in looks)


def with_lids(
    landmarks: PointsF32,
    looks: tuple[EyeLook, EyeLook],
    *,
    strength: float = 1.0,
    parts: tuple[float, float] = (1.0, 1.0),
) -> PointsF32:
    """Give a copy of (468, 3) landmarks with lids where they were seen.

    Args:
        landmarks: as the mesh has them.
        looks: what was seen of both eyes.
        strength: 0..1, how far lids go there.
        parts: the upper ones are let down until so much of each opening is left.
    """
    moved = landmarks.copy()
    for look, corners, upper, lower, part in zip(looks, CORNERS, UPPER, LOWER, parts, strict=True):
        x, y, z = (landmarks[corners[1]] - landmarks[corners[0]]).tolist()
        seen = hypot(x, y) / max(hypot(x, y, z), 1e-6)
        share = np.float32(strength * np.clip((seen - TOWARDS[0]) / (TOWARDS[1] - TOWARDS[0]), 0, 1))
        if share == 0:
            continue
        edges = _edges(landmarks, look, upper[0], lower[0], part)
        down = as_f32(look.frame_from_eye[:, 1])
        for rings, rows in zip((upper, lower), edges, strict=True):
            for ring, follows in zip(rings, FOLLOWS, strict=True):
                moved[list(ring), :2] += (share * np.float32(follows) * rows)[:, None] * down
    return moved


def _edges(
    landmarks: PointsF32, look: EyeLook, upper: tuple[int, ...], lower: tuple[int, ...], part: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Say how far down, in pixels of the look, the points of both lids' edges must go: twice (7,)."""
    eye_from_frame = as_f32(cv2.invertAffineTransform(look.frame_from_eye))
    above, below = (
        landmarks[list(edge), :2] @ eye_from_frame[:, :2].T + eye_from_frame[:, 2] for edge in (upper, lower)
    )
    seen = look.open.sum(axis=0)
    rows = np.arange(len(look.open), dtype=np.float32)
    columns = np.arange(len(seen), dtype=np.float32)
    rest = np.interp(columns, *_sorted(below))
    middle = (rows @ look.open + SURE * rest) / (seen + SURE)
    edges: list[NDArray[np.float32]] = []
    for points, share in ((above, 0.5 - part), (below, 0.5)):
        at, heights = as_f32(points[:, 0]), as_f32(middle + share * seen)
        edge: NDArray[np.float64] = np.interp(at, columns, heights)
        edges.append(as_f32(edge - points[:, 1]))
    gap = float((below[:, 1] - above[:, 1]).max())
    return as_f32(np.clip(edges[0], -MOST_PX, gap + MOST_PX)), as_f32(np.clip(edges[1], -MOST_PX, MOST_PX))


def _sorted(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    order = np.argsort(points[:, 0])
    return points[order, 0], points[order, 1]
