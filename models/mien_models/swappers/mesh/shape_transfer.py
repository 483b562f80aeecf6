"""What of a photo's shape is used: its proportions, not its expression.

Two shapes on the average head are compared. What differs between them is taken apart: eyes and mouth move as wholes,
the chin without the mouth's opening, both halves of the face alike, and what is between them smoothly.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import LANDMARKS, face_topology
from mien_models.geometry.face_regions import BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, LIPS_INNER, LIPS_OUTER, OVAL
from mien_models.types import as_f32

DEPTH: Final = 0.5
"""How much of a difference in depth is believed: a landmark network guesses it."""
LARGEST_CM: Final = 0.9
"""No point moves further than this on a head whose eyes are 6.3 cm apart."""
BROW_HEIGHT: Final = 0.5
"""How much of a difference in the brows' height over the eyes is shape; the rest is a raised or lowered brow."""
MOUTH_WIDTH: Final = 0.4
"""How much of a difference in the mouth's width is shape; the rest is a smile or a pout."""
MOUTH_HEIGHT: Final = 0.5
"""How much of a difference in the upper lip's distance to the nose is shape; a smile raises it."""
LIP_FULLNESS: Final = 0.6
"""How much of a difference in the lips' height is shape; a smile thins them."""
FOREHEAD: Final = 0.25
"""How much the outline above the brows moves: under hair it is guessed."""
EYE_SIZE: Final = (0.85, 1.18)
"""What an eye's size may be multiplied by."""
MOUTH_SIZE: Final = (0.82, 1.2)
"""What the mouth's width may be multiplied by."""
SMOOTHNESS: Final = 1.0
"""How much a point's neighbours have a say in where it moves, beside the point itself."""
HELD: Final = 30.0
"""How much more than other points those of the eyes and lips keep the place that their whole is given."""

EYE_CORNERS: Final = ((33, 133), (362, 263))
"""Of the eye on the picture's left and of the other: the corner on the left, the corner on the right."""
MOUTH_CORNERS: Final = (61, 291)
UPPER_LIP: Final = (0, 13)
"""The middle of the upper lip: its outer edge, its inner edge."""
LOWER_LIP: Final = (17, 14)
BELOW_NOSE: Final = 2
CHIN: Final = 152
JAW_HINGE: Final = 234
"""About where the lower jaw turns, before the ear."""


def proportions_change(photo_cm: NDArray[np.float32], own_cm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Say how each landmark of a face must move to take on the photo's proportions.

    Args:
        photo_cm: (468, 3) the photo's shape on the average head; x to the right, y down, z away, in centimetres.
        own_cm: the target's, likewise.

    Returns:
        (468, 3) in centimetres; at most `LARGEST_CM` long, the same for both halves of the face but mirrored.
    """
    photo_cm, own_cm = _symmetric(photo_cm), _symmetric(own_cm)
    raw = photo_cm - own_cm
    raw[:, 2] *= DEPTH
    raw[:, 1] -= _jaw_share() * (_mouth_opening(photo_cm) - _mouth_opening(own_cm))
    change = raw.copy()
    for contour, corners, brow in zip((EYE_LEFT, EYE_RIGHT), EYE_CORNERS, (BROW_LEFT, BROW_RIGHT), strict=True):
        change[list(contour)] = _eye_change(raw, photo_cm, own_cm, contour, corners)
        height = raw[list(corners), 1].mean()
        change[list(brow), 1] = height + BROW_HEIGHT * (raw[list(brow), 1] - height)
    lips = [*LIPS_OUTER, *LIPS_INNER]
    change[lips] = _mouth_change(raw, photo_cm, own_cm)[lips]
    change[_forehead()] *= FOREHEAD
    return _limited(as_f32(np.concatenate([rows @ change for rows in _smoothing()])))


def _eye_change(
    raw: NDArray[np.float32],
    photo_cm: NDArray[np.float32],
    own_cm: NDArray[np.float32],
    contour: tuple[int, ...],
    corners: tuple[int, int],
) -> NDArray[np.float32]:
    """Move an eye as a whole, by what its corners say, which no blink moves: its place, its size, its slant."""
    left, right = corners
    photo_axis, own_axis = photo_cm[right] - photo_cm[left], own_cm[right] - own_cm[left]
    size = np.clip(np.linalg.norm(photo_axis[:2]) / np.linalg.norm(own_axis[:2]), *EYE_SIZE)
    slant = photo_axis[1] / photo_axis[0] - own_axis[1] / own_axis[0]
    around = own_cm[list(contour)] - own_cm[list(corners)].mean(axis=0)
    moved = np.empty_like(around)
    moved[:, 0] = (size - 1) * around[:, 0]
    moved[:, 1] = (size - 1) * around[:, 1] + slant * around[:, 0]
    moved[:, 2] = 0
    return as_f32(raw[list(corners)].mean(axis=0) + moved)


def _mouth_change(
    raw: NDArray[np.float32], photo_cm: NDArray[np.float32], own_cm: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Move the mouth as a whole: its place, its width, its lips' fullness; its opening and its corners' lift stay."""
    left, right = MOUTH_CORNERS
    width = (photo_cm[right, 0] - photo_cm[left, 0]) / (own_cm[right, 0] - own_cm[left, 0])
    width = np.clip(1 + MOUTH_WIDTH * (width - 1), *MOUTH_SIZE)
    change = np.empty_like(raw)
    change[:, 0] = (width - 1) * own_cm[:, 0]
    change[:, 1] = raw[BELOW_NOSE, 1] + MOUTH_HEIGHT * (raw[UPPER_LIP[1], 1] - raw[BELOW_NOSE, 1])
    change[:, 2] = raw[list(UPPER_LIP), 2].mean()
    for contour, (outer, inner) in ((LIPS_OUTER[1:10], UPPER_LIP), (LIPS_OUTER[11:], LOWER_LIP)):
        fuller = LIP_FULLNESS * (raw[outer, 1] - raw[inner, 1])
        # Full in the middle of a lip, nothing at its ends.
        half = (own_cm[right, 0] - own_cm[left, 0]) / 2
        change[list(contour), 1] += fuller * (1 - np.square(np.clip(own_cm[list(contour), 0] / half, -1, 1)))
    return change


def _mouth_opening(shape_cm: NDArray[np.float32]) -> float:
    return float(shape_cm[LOWER_LIP[1], 1] - shape_cm[UPPER_LIP[1], 1])


def _limited(change_cm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bend lengths smoothly below the largest that is plausible."""
    length = np.linalg.norm(change_cm, axis=1, keepdims=True)
    return as_f32(change_cm * (np.tanh(length / LARGEST_CM) * LARGEST_CM / np.maximum(length, 1e-6)))


def _symmetric(shape_cm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average a shape with its mirror image: what differs between the halves is pose, expression or error."""
    return as_f32((shape_cm + shape_cm[_mirrored()] * np.array([-1, 1, 1], np.float32)) / 2)


@cache
def _mirrored() -> NDArray[np.intp]:
    """The landmark in the place of each landmark on the other half of the face."""
    points = face_topology().canonical_cm
    flipped = points * np.array([-1, 1, 1], np.float32)
    nearest: NDArray[np.intp] = np.linalg.norm(flipped[:, None] - points[None], axis=2).argmin(axis=1)
    return nearest


@cache
def _forehead() -> list[int]:
    """The part of the outline that lies above the brows."""
    points = face_topology().canonical_cm
    height = points[[*BROW_LEFT, *BROW_RIGHT], 1].max()
    return [index for index in OVAL if points[index, 1] > height]


@cache
def _jaw_share() -> NDArray[np.float32]:
    """How much of the mouth's opening each landmark goes down with: (468,), 1 at the lower lip and the chin."""
    points = face_topology().canonical_cm
    from_hinge = (points[:, 2] - points[JAW_HINGE, 2]) / (points[CHIN, 2] - points[JAW_HINGE, 2])
    upper, lower = points[UPPER_LIP[1], 1], points[LOWER_LIP[1], 1]
    below = np.clip((upper - points[:, 1]) / (upper - lower), 0, 1)
    return as_f32(np.clip(from_hinge, 0, 1) * below)


@cache
def _smoothing() -> tuple[NDArray[np.float32], ...]:
    """Spread changes smoothly: least squares of each point's own wish and of differences along edges.

    A matrix (468, 468) in parts of some rows each: of the whole the linear algebra library would make a task for
    several threads, which then wait for more by spinning and take 5 ms a frame away from the other stages.
    """
    triangles = face_topology().face_triangles
    edges = np.unique(
        np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])), axis=0
    )
    first, second = edges.T
    laplacian = np.zeros((LANDMARKS, LANDMARKS))
    np.add.at(laplacian, (first, first), 1)
    np.add.at(laplacian, (second, second), 1)
    np.add.at(laplacian, (first, second), -1)
    np.add.at(laplacian, (second, first), -1)
    weight = np.ones(LANDMARKS)
    weight[[*EYE_LEFT, *EYE_RIGHT, *LIPS_OUTER, *LIPS_INNER]] = HELD
    whole = as_f32(np.linalg.solve(np.diag(weight) + SMOOTHNESS * laplacian, np.diag(weight)))
    return tuple(np.array_split(whole, 6))
