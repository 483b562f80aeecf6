"""A face's shape without its pose, followed in time; how far it is from the photo's, and the frame warped by that.

Shapes are compared on one average head, to which each face is laid by a similarity (Umeyama 1991, in three dimensions),
so that where a head looks and how large it is play no part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import LANDMARKS, face_topology, rasterise
from mien_models.geometry.face_regions import EYE_LEFT, EYE_RIGHT, OVAL
from mien_models.swappers.mesh.shape_transfer import proportions_change
from mien_models.types import PointsF32, Warp, as_f32

SETTLING_S: Final = 30.0
"""Time over which the target's own shape is averaged: so long that a smile which is held is not taken for shape."""
UNNOTICED_CM: Final = 0.005
"""A shape that has moved less than this since is taken for the same: an eighth of a pixel on a large face."""
TURNED: Final = (0.5, 0.9)
"""Cosine of the angle between head and camera: below the first a shape is hardly to be seen, above the second well."""
LEAST_WEIGHT: Final = 0.02
"""What a frame of a profile counts beside a frontal one."""
RIGID: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 234, 127, 162, 21, 54, 103, 67, 109, 33, 133, 362, 263, 168, 6, 197,
    195, 5, 4, 1, 2, 98, 327, 117, 346, 123, 352, 152,
)  # fmt: skip
"""Points that keep their place on a head while it speaks, smiles or frowns."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadShape:
    """A face without its pose: landmarks on the average head, and how to bring them back to the picture."""

    points_cm: NDArray[np.float32]
    """(468, 3) in centimetres; x to the right of the picture, y down, z away from the camera."""
    px_from_cm: NDArray[np.float32]
    """(3, 3) rotation times scale, from the average head to the picture."""

    @property
    def weight(self) -> float:
        """How much it is to be believed, up to 1: half of a turned head is guessed."""
        rotation = self.px_from_cm / np.cbrt(np.linalg.det(self.px_from_cm))
        return float(np.clip((rotation[2, 2] - TURNED[0]) / (TURNED[1] - TURNED[0]), LEAST_WEIGHT, 1))


class ShapeFilter:
    """Says how one target face must move to the photo's proportions; keeps the running mean of the target's own."""

    def __init__(self, photo_cm: NDArray[np.float32], strength: float, *, pitch_offset_rad: float = 0.0) -> None:
        """Take the photo's shape, how much of it is wanted, and how far its skin seems to nod in its place."""
        self._photo_cm = photo_cm
        self._pitch_offset_rad = np.float32(pitch_offset_rad)
        self._strength = np.float32(strength)
        self._own_cm: NDArray[np.float32] | None = None
        self._change_cm: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        """The last change, and the shape of the target for which it was found."""
        self._seen = 0.0
        """Frames that counted, those of a turned head in part."""

    def change_px(self, landmarks: PointsF32, elapsed_s: float) -> NDArray[np.float32]:
        """Give how far each of the (468, 3) landmarks must move, for a frame so many seconds after the last one."""
        head = head_shape(landmarks)
        self._seen += head.weight
        share = np.float32(head.weight * max(1 / self._seen, min(1.0, elapsed_s / SETTLING_S)))
        before = head.points_cm if self._own_cm is None else self._own_cm
        self._own_cm = as_f32(before + share * (head.points_cm - before))
        return as_f32(self._change_for(self._own_cm) @ head.px_from_cm.T)

    def _change_for(self, own_cm: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._change_cm is None or np.abs(own_cm - self._change_cm[1]).max() > UNNOTICED_CM:
            change_cm = proportions_change(self._photo_cm, own_cm)
            # A small turn around the axis through the ears, seen from the front: what is nearer moves further.
            turned_cm = self._pitch_offset_rad * (own_cm[:, 2] - own_cm[list(OVAL), 2].mean())
            turned_cm[list(OVAL)] = 0  # the hairline and the jaw stay at the head's own
            change_cm[:, 1] += turned_cm
            self._change_cm = (self._strength * change_cm, own_cm)
        return self._change_cm[0]


def pitch_rad(landmarks: PointsF32) -> float:
    """Say how far a face looks down, above 0, or up, in radians."""
    turn = head_shape(landmarks).px_from_cm
    return float(np.arcsin(np.clip(-turn[1, 2] / np.cbrt(np.linalg.det(turn)), -1, 1)))


def head_shape(landmarks: PointsF32) -> HeadShape:
    """Lay a face to the average head."""
    canonical, canonical_centre = _canonical_rigid()
    rigid = landmarks[list(RIGID)]
    centre = rigid.mean(axis=0)
    left, stretch, right = np.linalg.svd((rigid - centre).T @ canonical)
    turn = np.array([1, 1, np.sign(np.linalg.det(left @ right))], np.float32)
    rotation = (left * turn) @ right
    scale = (stretch * turn).sum() / np.square(canonical).sum()
    points_cm = (landmarks - centre) @ rotation / scale + canonical_centre
    return HeadShape(as_f32(points_cm), as_f32(rotation * scale))


def mean_shape_cm(views: Sequence[PointsF32]) -> NDArray[np.float32]:
    """Give the shape of one face that is seen several times: (468, 3) on the average head, as `HeadShape.points_cm`."""
    heads = [head_shape(landmarks) for landmarks in views]
    return as_f32(np.average([head.points_cm for head in heads], axis=0, weights=[head.weight for head in heads]))


@cache
def _canonical_rigid() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The rigid points of the average head around their centre, and that centre; y down, z away."""
    rigid = face_topology().canonical_cm[list(RIGID)] * np.array([1, -1, -1], np.float32)
    centre = as_f32(rigid.mean(axis=0))
    return as_f32(rigid - centre), centre


REACH: Final = 0.31
"""How far outside the face's hull the frame is warped, in parts of the distance between the eyes as it is seen."""
CELLS_PER_EYE_DISTANCE: Final = 14
"""How fine the grid of shifts is, for eyes that look into the camera."""
STEEPEST: Final = 0.5
"""The largest shift in parts of the reach: the frame is squeezed by two thirds at most and never folded."""
SPREAD_CELLS: Final = (1.5, 4.0)
"""Widths of the blurs by which the shifts of the face's edge run on over its surroundings."""
SMOOTHED_CELLS: Final = 0.6
"""Width of the last blur, over the step between the nose's edge and the cheek behind it."""
SMALLEST_PX: Final = 0.1
"""Shifts smaller than this are none."""
CORRECTIONS: Final = 3
"""How many times the moved landmarks are brought nearer to where the warp takes the frame's content."""


@dataclass(frozen=True, slots=True, eq=False)
class WarpedFace:
    """Where the landmarks go, and the warp that takes the frame's content there with them."""

    landmarks: PointsF32
    """(468, 3) in pixels of the frame."""
    warp: Warp | None
    """None where nothing moves."""


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """Cells over a rectangle of the frame."""

    left: int
    top: int
    width: int
    height: int
    cells: tuple[int, int]
    """How many across, how many down."""

    def placed(self, points: PointsF32) -> PointsF32:
        """Give (n, 3) points of the frame in cells, the centre of the first cell being (0, 0)."""
        across, down = self.cells[0] / self.width, self.cells[1] / self.height
        corner = np.array([self.left - 0.5, self.top - 0.5, 0], np.float32)
        return as_f32((points - corner) * np.array([across, down, across], np.float32) - np.array([0.5, 0.5, 0]))

    def centres(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Give the x of the cells' centres across and their y downwards, in pixels of the frame."""
        across, down = self.cells
        x = self.left - 0.5 + (np.arange(across) + 0.5) * (self.width / across)
        y = self.top - 0.5 + (np.arange(down) + 0.5) * (self.height / down)
        return x.astype(np.float32), y.astype(np.float32)


def warp_face(landmarks: PointsF32, change_px: NDArray[np.float32], frame_size: tuple[int, int]) -> WarpedFace:
    """Move a face's landmarks, and warp the frame so that what is seen of the face moves with them.

    The more a face is seen from the side the less room there is around it, and the less it is moved.

    Args:
        landmarks: (468, 3) in pixels of the frame.
        change_px: (468, 3) how far each should move; what the surroundings could not follow is held back.
        frame_size: width and height in pixels.
    """
    eyes = landmarks[list(EYE_LEFT)].mean(axis=0) - landmarks[list(EYE_RIGHT)].mean(axis=0)
    cell_px = float(np.linalg.norm(eyes)) / CELLS_PER_EYE_DISTANCE
    # The last cell with a shift is felt one cell further out.
    room_px = REACH * float(np.linalg.norm(eyes[:2])) - cell_px
    if room_px <= 0 or cell_px < 1:
        return WarpedFace(landmarks, None)
    change_px = _held_back(change_px, STEEPEST * room_px)
    grid = _grid_around(landmarks, room_px + cell_px, cell_px, frame_size)
    if grid is None or np.abs(change_px[:, :2]).max() < SMALLEST_PX:
        return WarpedFace(landmarks, None)
    shift = _spread(_drawn(landmarks + change_px, -change_px[:, :2], grid))
    shift *= _window(landmarks, grid, room_px)[..., None]
    moved = _agreeing(landmarks, change_px, shift, grid)
    return WarpedFace(moved, Warp(grid.left, grid.top, grid.width, grid.height, shift))


def _held_back(change_px: NDArray[np.float32], largest_px: float) -> NDArray[np.float32]:
    """Keep what is moved in the picture smoothly below the largest."""
    length = np.linalg.norm(change_px[:, :2], axis=1, keepdims=True)
    return as_f32(change_px * (np.tanh(length / largest_px) * largest_px / np.maximum(length, 1e-6)))


def _grid_around(landmarks: PointsF32, reach_px: float, cell_px: float, frame_size: tuple[int, int]) -> _Grid | None:
    """Lay a grid over the face and its surroundings, as far as they are in the frame."""
    low = np.clip(np.floor(landmarks[:, :2].min(axis=0) - reach_px - cell_px), 0, frame_size).astype(int)
    high = np.clip(np.ceil(landmarks[:, :2].max(axis=0) + reach_px + cell_px) + 1, 0, frame_size).astype(int)
    width, height = (int(side) for side in high - low)
    if min(width, height) < 2:
        return None
    cells = (max(2, round(width / cell_px)), max(2, round(height / cell_px)))
    return _Grid(int(low[0]), int(low[1]), width, height, cells)


def _drawn(points: PointsF32, shift_px: NDArray[np.float32], grid: _Grid) -> NDArray[np.float32]:
    """Draw the face's surface: (rows, columns, 3) the shift of what is seen and 1, or 0 where there is no face."""
    largest = max(float(np.abs(shift_px).max()), 1e-6)
    attributes = np.ones((LANDMARKS, 3), np.float32)
    attributes[:, :2] = shift_px / (2 * largest) + 0.5
    triangles = face_topology().face_triangles
    drawn = rasterise(grid.placed(points), triangles, attributes, width=grid.cells[0], height=grid.cells[1])
    drawn[..., :2] = (drawn[..., :2] - 0.5 * drawn[..., 2:]) * (2 * largest)
    return drawn


def _spread(drawn: NDArray[np.float32]) -> NDArray[np.float32]:
    """Continue the shifts of the face's edge over its surroundings; (rows, columns, 2)."""
    total, known = drawn[..., :2], drawn[..., 2:]
    for sigma in SPREAD_CELLS:
        blurred = as_f32(cv2.GaussianBlur(drawn, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE))
        share = np.clip(4 * blurred[..., 2:], 0, 1) * (1 - known)
        total = total + blurred[..., :2] / np.maximum(blurred[..., 2:], 1e-4) * share
        known = known + share
    return as_f32(cv2.GaussianBlur(total, (0, 0), SMOOTHED_CELLS, borderType=cv2.BORDER_REPLICATE))


def _window(landmarks: PointsF32, grid: _Grid, room_px: float) -> NDArray[np.float32]:
    """Fall from 1 on the face's hull to 0 so many pixels outside it; (rows, columns)."""
    hull = as_f32(cv2.convexHull(np.ascontiguousarray(landmarks[:, :2]))[:, 0])
    along = np.roll(hull, -1, axis=0) - hull
    across = np.stack([along[:, 1], -along[:, 0]], axis=1)
    across *= np.sign(((hull - hull.mean(axis=0)) * across).sum(axis=1, keepdims=True))
    outwards = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    # The distance to the furthest edge's line: never more than that to the hull, and it moves as smoothly as the hull.
    x, y = grid.centres()
    distance_px = np.full((len(y), len(x)), -np.inf, np.float32)
    # Edge by edge: as one product the linear algebra library would share it out among threads that spin ever after.
    for normal, offset in zip(outwards, (hull * outwards).sum(axis=1), strict=True):
        np.maximum(distance_px, x * normal[0] + (y * normal[1] - offset)[:, None], out=distance_px)
    t = np.clip(1 - distance_px / room_px, 0, 1)
    return as_f32(t * t * (3 - 2 * t))


def _agreeing(
    landmarks: PointsF32, change_px: NDArray[np.float32], shift_px: NDArray[np.float32], grid: _Grid
) -> PointsF32:
    """Move the landmarks to where the warped frame shows them: a place and its shift must sum to the old place."""
    moved = as_f32(landmarks + change_px)
    for _ in range(CORRECTIONS):
        at = grid.placed(moved)
        felt = cv2.remap(shift_px, at[:, :1], at[:, 1:2], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        moved[:, :2] = landmarks[:, :2] - as_f32(felt)[:, 0]
    return moved
