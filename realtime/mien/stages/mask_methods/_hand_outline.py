"""What a hand covers, drawn from its joints: fingers, palm and the beginning of the arm."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.networks.hands import KNUCKLES, WRIST
from mien_models.types import MaskU8, PointsF32, as_f32, as_u8

RADII: Final = np.array([
    0.25,
    0.19, 0.143, 0.119, 0.095,
    0.16, 0.119, 0.105, 0.086,
    0.16, 0.124, 0.105, 0.086,
    0.152, 0.114, 0.1, 0.081,
    0.147, 0.105, 0.09, 0.076,
])  # fmt: skip
"""Half of a hand's thickness at each joint and, in the last one's stead, at a finger's tip, in lengths of its palm."""
BONES: Final = (
    *((first + step, first + step + 1) for first in (1, *KNUCKLES) for step in range(3)),
    *((WRIST, joint) for joint in (1, *KNUCKLES)),
    (1, 5), (5, 9), (9, 13), (13, 17),
)  # fmt: skip
"""Pairs of joints between which there is hand; those of the palm lie closely enough to fill it."""
ARM: Final = 1.5
"""So much of the arm is drawn, straight on from the palm, in lengths of the palm: sleeves and wrists bend behind it."""
MEAN_OF_LONGEST: Final = 0.95
"""The mean way from the wrist to a knuckle is this part of that to the middle finger's."""
CIRCLE: Final = np.stack([np.cos(np.linspace(0, 2 * np.pi, 12, endpoint=False)),
                          np.sin(np.linspace(0, 2 * np.pi, 12, endpoint=False))], axis=1)  # fmt: skip
FRACTION_BITS: Final = 4
FARTHEST_PX: Final = 2**20


def palm_px(joints: PointsF32) -> float:
    """Give the length of a palm, from (21, 3) joints, however it is turned."""
    ways = np.linalg.norm(joints[list(KNUCKLES)] - joints[WRIST], axis=1)
    return float(ways.mean()) / MEAN_OF_LONGEST


def draw_hand(side_px: int, places: NDArray[np.float32], palm: float) -> MaskU8:
    """Draw a square with 255 where the hand is.

    Args:
        side_px: of the square.
        places: (21, 2) its joints in pixels of the square, anywhere.
        palm: the length of its palm in the same pixels.
    """
    drawn = np.zeros((side_px, side_px), np.uint8)
    towards = places[WRIST] - places[list(KNUCKLES)].mean(axis=0)
    arm_end = places[WRIST] + towards * (ARM * palm / max(float(np.hypot(*towards)), 1e-6))
    for start, end in BONES:
        _capsule(drawn, places[start], places[end], RADII[start] * palm, RADII[end] * palm)
    _capsule(drawn, places[WRIST], as_f32(arm_end), RADII[WRIST] * palm, RADII[WRIST] * palm)
    return as_u8(drawn)


def _capsule(
    drawn: MaskU8, start: NDArray[np.float32], end: NDArray[np.float32], start_radius: float, end_radius: float
) -> None:
    outline = as_f32(np.concatenate([start + CIRCLE * start_radius, end + CIRCLE * end_radius]))
    hull = np.clip(cv2.convexHull(outline) * 2**FRACTION_BITS + 0.5, -FARTHEST_PX, FARTHEST_PX)
    cv2.fillConvexPoly(drawn, hull.astype(np.int32), (255,), cv2.LINE_AA, FRACTION_BITS)
