"""Hands drawn over pictures from bones of our own: what they cover is known to the pixel.

They are made of spheres along bones; the height of their surface gives the light on them. MediaPipe's networks take
them for hands.
"""

from dataclasses import dataclass
from math import cos, radians, sin
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

KNUCKLES: Final = ((-0.29, 0.95, 0.0), (-0.03, 1.0, 0.03), (0.2, 0.94, 0.02), (0.4, 0.82, -0.02))
"""Where the four fingers begin, in lengths of the palm: right of the wrist, up, and towards the camera."""
PHALANGES: Final = ((0.46, 0.27, 0.22), (0.52, 0.32, 0.23), (0.48, 0.3, 0.23), (0.36, 0.21, 0.2))
THUMB: Final = ((-0.26, 0.18, 0.1), (-0.56, 0.48, 0.16), (-0.78, 0.78, 0.18), (-0.9, 1.05, 0.18))
FINGER_RADII: Final = (0.125, 0.108, 0.097, 0.08)
THUMB_RADII: Final = (0.2, 0.135, 0.115, 0.09)
PALM_BONES: Final = ((5, 9, 0.15, 0.15), (9, 13, 0.15, 0.15), (13, 17, 0.15, 0.14), (1, 5, 0.15, 0.12))
ARM_BONES: Final = ((0, 1, 0.24, 0.2), (0, 21, 0.24, 0.3))
SPHERES: Final = 47
"""For each length of the palm along a bone."""

Bone = tuple[int, int, float, float]


@dataclass(frozen=True)
class Pose:
    """How a hand is held."""

    roll_deg: float = 0.0
    """How far it is turned in the picture, clockwise."""
    turn_deg: float = 0.0
    """How far it is turned around its own long axis."""
    splay_deg: tuple[float, float, float, float] = (12.0, 3.0, -6.0, -16.0)
    bend_deg: float = 12.0
    """By how much each joint of the fingers is bent."""
    shows_back: bool = False


@dataclass(frozen=True, eq=False)
class DrawnHand:
    """A picture with a hand, and what of it the hand covers."""

    bgr: NDArray[np.uint8]
    covered: NDArray[np.float32]
    """(h, w) 0..1."""
    joints: NDArray[np.float32]
    """(21, 2) in pixels, in MediaPipe's order."""


def draw_hand(
    picture_bgr: NDArray[np.uint8],
    wrist_xy: tuple[float, float],
    palm_px: float,
    pose: Pose,
    skin_bgr: tuple[float, float, float] = (140, 165, 215),
) -> DrawnHand:
    """Draw a hand with its wrist there, whose palm is so long, and its shadow."""
    joints, bones = _skeleton(pose)
    xy = joints[:, :2] * (palm_px, -palm_px) + wrist_xy
    height = _surface(picture_bgr.shape[:2], xy, joints[:, 2] * palm_px, bones, palm_px)
    is_hand = np.isfinite(height)
    covered = cv2.GaussianBlur(is_hand.astype(np.float32), (0, 0), 0.7)
    solid = np.where(is_hand, height, height[is_hand].min()).astype(np.float32)
    shade = _light(solid, palm_px)
    for first in range(1, 21, 4):
        for joint in (first + 1, first + 2):
            _crease(shade, xy[joint], xy[joint + 1] - xy[joint - 1], 0.09 * palm_px)
    moved = np.roll(covered, int(0.06 * palm_px), (0, 1))
    under = picture_bgr * (1 - 0.35 * cv2.GaussianBlur(moved, (0, 0), 0.07 * palm_px))[..., None]
    colour = np.asarray(skin_bgr, np.float32) * shade[..., None]
    shown = under + (colour - under) * covered[..., None]
    return DrawnHand(
        np.clip(shown + 0.5, 0, 255).astype(np.uint8), np.asarray(covered, np.float32), xy[:21].astype(np.float32)
    )


def _skeleton(pose: Pose) -> tuple[NDArray[np.float64], list[Bone]]:
    """Give the joints, (22, 3), the last one down the arm, and the bones between them with their radii."""
    joints = np.zeros((22, 3))
    joints[1:5], joints[21] = THUMB, (0.0, -1.6, 0.0)
    bones: list[Bone] = [*PALM_BONES, *ARM_BONES]
    bones += [(joint, joint + 1, THUMB_RADII[joint - 1], THUMB_RADII[joint]) for joint in (1, 2, 3)]
    for finger, start in enumerate(KNUCKLES):
        first = 5 + 4 * finger
        joints[first] = start
        bones.append((0, first, 0.22, 0.155))
        lean = radians(pose.splay_deg[finger])
        for step, length in enumerate(PHALANGES[finger]):
            bend = radians(pose.bend_deg) * (step + 1)
            way = np.array([-sin(lean) * cos(bend), cos(lean) * cos(bend), sin(bend)])
            joints[first + step + 1] = joints[first + step] + length * way
            bones.append((first + step, first + step + 1, FINGER_RADII[step], FINGER_RADII[step + 1]))
    return joints @ _turned(pose).T, bones


def _turned(pose: Pose) -> NDArray[np.float64]:
    turn, roll = radians(pose.turn_deg), radians(pose.roll_deg)
    around_y = np.array([[cos(turn), 0, sin(turn)], [0, 1, 0], [-sin(turn), 0, cos(turn)]])
    around_z = np.array([[cos(roll), sin(roll), 0], [-sin(roll), cos(roll), 0], [0, 0, 1]])
    side = np.diag([-1.0, 1.0, -1.0]) if pose.shows_back else np.eye(3)
    return np.asarray(around_z @ around_y @ side, np.float64)


def _surface(
    shape: tuple[int, ...], xy: NDArray[Any], z: NDArray[Any], bones: list[Bone], palm_px: float
) -> NDArray[np.float32]:
    """Give how near to the camera the hand is, (h, w) in pixels, -inf beside it."""
    height = np.full(shape, -np.inf, np.float32)
    for start, end, start_radius, end_radius in bones:
        spheres = max(2, int(SPHERES * np.linalg.norm(xy[end] - xy[start]) / palm_px))
        for t in np.linspace(0, 1, spheres):
            x, y = xy[start] + t * (xy[end] - xy[start])
            depth, radius = (
                z[start] + t * (z[end] - z[start]),
                (start_radius + t * (end_radius - start_radius)) * palm_px,
            )
            left, top = (int(np.clip(at - radius, 0, edge)) for at, edge in ((x, shape[1]), (y, shape[0])))
            right, bottom = (int(np.clip(at + radius + 2, 0, edge)) for at, edge in ((x, shape[1]), (y, shape[0])))
            inside = radius**2 - (np.arange(left, right) - x) ** 2 - (np.arange(top, bottom)[:, None] - y) ** 2
            here = np.where(inside > 0, depth + np.sqrt(np.maximum(inside, 0)), -np.inf)
            height[top:bottom, left:right] = np.maximum(height[top:bottom, left:right], here)
    return height


def _light(height: NDArray[np.float32], palm_px: float) -> NDArray[np.float32]:
    smooth = cv2.GaussianBlur(height, (0, 0), 0.03 * palm_px)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx) / 8 for dx in (1, 0))
    towards = 1 / np.sqrt(1 + across**2 + down**2)
    lit = np.clip((0.4 * across + 0.5 * down + 0.75) * towards, 0, 1.3)
    return np.asarray((0.42 + 0.62 * lit) * (0.75 + 0.25 * towards), np.float32)


def _crease(shade: NDArray[np.float32], at: NDArray[Any], along: NDArray[Any], half_px: float) -> None:
    across = np.array([-along[1], along[0]]) / max(float(np.linalg.norm(along)), 1e-6) * half_px
    line = np.zeros_like(shade)
    first, last = (tuple(int(edge * 16) for edge in at + side * across) for side in (-1, 1))
    cv2.line(line, first, last, (1.0,), 1, cv2.LINE_AA, 4)
    shade *= 1 - 0.22 * np.asarray(cv2.GaussianBlur(line, (0, 0), 1.0), np.float32)
