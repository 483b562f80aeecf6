"""What a wearer's own face does to a swap: other skin around the mesh, sockets of another tone, things in front."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from camera_faults import smooth_field
from numpy.random import Generator
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import LANDMARKS, face_topology
from mien_models.geometry.face_regions import EYE_LEFT, EYE_RIGHT, OVAL
from mien_models.types import BgrU8, PointsF32, as_f32, as_u8

BLENDS_OVER: Final = 0.16
"""How far around the mesh another wearer's skin gives way to the photo's, in parts of the face's width."""


def jittered(rng: Generator, landmarks: PointsF32, smooth: float, single: float) -> PointsF32:
    """Move landmarks as another look would place them, by parts of the face's width.

    Args:
        rng: where chance comes from.
        landmarks: (468, 3) in pixels.
        smooth: how far neighbours move together.
        single: how far each moves for itself.
    """
    width = float(np.ptp(landmarks[:, 0]))
    at = face_topology().atlas[:LANDMARKS].astype(np.float32) * 63
    moved = landmarks.copy()
    for axis in (0, 1):
        field = smooth_field(rng, (64, 64), 5, smooth * width)
        moved[:, axis] += cv2.remap(field, at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR)[0]
    moved[:, :2] += rng.normal(0, single * width, (LANDMARKS, 2))
    return as_f32(moved)


def as_another_wearer(rng: Generator, image_bgr: BgrU8, landmarks: PointsF32) -> tuple[BgrU8, BgrU8]:
    """Give the picture as if somebody else wore the face, and what a perfect swap would show.

    Outside the mesh the wearer may be younger or older; the right answer fades from the photo's skin to theirs. Inside,
    eye sockets and patches have another tone, of which nothing may remain.
    """
    width = float(np.ptp(landmarks[:, 0]))
    worn = wanted = as_f32(image_bgr)
    if rng.random() < 0.45:
        aged = _aged(rng, image_bgr, width)
        inside = _filled(landmarks, image_bgr.shape)
        close = as_f32(cv2.GaussianBlur(inside, (0, 0), 0.02 * width))[..., None]
        away = as_f32(cv2.distanceTransform((inside < 0.5).astype(np.uint8), cv2.DIST_L2, 5))
        near = np.clip(1 - away / (BLENDS_OVER * width), 0, 1)[..., None]
        near = near * near * (3 - 2 * near)
        worn, wanted = (as_f32(worn * share + aged * (1 - share)) for share in (close, near))
    worn = as_f32(worn * np.exp(_other_tones(rng, landmarks, image_bgr.shape)))
    seen, right = (np.clip(picture + 0.5, 0, 255).astype(np.uint8) for picture in (worn, wanted))
    return seen, right


def in_front(
    rng: Generator, shape: tuple[int, ...], landmarks: PointsF32, donors: Sequence[BgrU8]
) -> tuple[NDArray[np.float32], BgrU8]:
    """Draw something before the face: its (h, w) mask, 0..1, and a picture of that shape to see in it."""
    width = float(np.ptp(landmarks[:, 0]))
    mask = np.zeros(shape[:2], np.float32)
    begin, angle = landmarks[rng.integers(LANDMARKS), :2], rng.uniform(0, 2 * np.pi)
    long, thick = rng.uniform(0.3, 1.2) * width, rng.uniform(0.12, 0.5) * width
    for _ in range(int(rng.integers(1, 4))):
        a = begin + rng.normal(0, 0.12 * width, 2)
        b = a + long * np.array([np.cos(angle + rng.normal(0, 0.2)), np.sin(angle)])
        ends = [(int(point[0]), int(point[1])) for point in (a, b)]
        cv2.line(mask, ends[0], ends[1], (1,), max(1, int(thick)))
    mask = as_f32(cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.6, 2)))
    donor, share = donors[int(rng.integers(len(donors)))], rng.uniform(0.3, 1)
    full_rows, full_columns = int(donor.shape[0]), int(donor.shape[1])
    rows, columns = int(full_rows * share), int(full_columns * share)
    top, left = int(rng.integers(0, full_rows - rows + 1)), int(rng.integers(0, full_columns - columns + 1))
    part = donor[top : top + rows, left : left + columns]
    return mask, as_u8(cv2.resize(part, (shape[1], shape[0]), interpolation=cv2.INTER_AREA))


def _aged(rng: Generator, image_bgr: BgrU8, width: float) -> NDArray[np.float32]:
    """Take folds and pores away, or make them stronger."""
    smooth = as_u8(cv2.bilateralFilter(image_bgr, 7, rng.uniform(25, 70), 0.025 * width))
    amount = rng.uniform(0.5, 1) if rng.random() < 0.75 else -rng.uniform(0.3, 0.8)
    return as_f32(image_bgr + amount * (as_f32(smooth) - as_f32(image_bgr)))


def _other_tones(rng: Generator, landmarks: PointsF32, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Draw what the logarithm of the wearer's skin adds inside the mesh: (h, w, 3)."""
    gain = np.zeros((*shape[:2], 3), np.float32)
    if rng.random() < 0.75:
        tone = rng.normal(-0.06, 0.22) + rng.normal(0, 0.1, 3)
        gain += _sockets(landmarks, shape, rng.uniform(1.3, 2.6))[..., None] * tone
    if rng.random() < 0.6:
        inside = cv2.GaussianBlur(_filled(landmarks, shape), (0, 0), 0.05 * float(np.ptp(landmarks[:, 0])))
        patches = smooth_field(rng, shape, 5, 0.05)[..., None]
        hues = np.dstack([smooth_field(rng, shape, 4, 0.025) for _ in range(3)])
        gain += inside[..., None] * (patches + hues)
    return gain


def _sockets(landmarks: PointsF32, shape: tuple[int, ...], grown: float) -> NDArray[np.float32]:
    mask = np.zeros(shape[:2], np.float32)
    for eye in (EYE_LEFT, EYE_RIGHT):
        points = landmarks[list(eye), :2]
        along = points[8] - points[0]
        half, centre = float(np.linalg.norm(along)) * grown, points.mean(axis=0)
        angle = float(np.degrees(np.arctan2(along[1], along[0])))
        cv2.ellipse(mask, ((float(centre[0]), float(centre[1])), (half, 0.72 * half), angle), (1,), -1)
    return as_f32(cv2.GaussianBlur(mask, (0, 0), 0.12 * float(np.linalg.norm(landmarks[263, :2] - landmarks[33, :2]))))


def _filled(landmarks: PointsF32, shape: tuple[int, ...]) -> NDArray[np.float32]:
    mask = np.zeros(shape[:2], np.float32)
    cv2.fillPoly(mask, [np.round(landmarks[list(OVAL), :2]).astype(np.int32)], (1,))
    return mask
