"""The puppet behind the synthetic camera: what moves, what stays."""

import numpy as np
import pytest

from mien.sources.backends._talking_head import HeadMotion, TalkingHead
from mien_models.geometry.face_mesh import face_topology
from mien_models.types import PointsF32

NOSE, CHIN, FOREHEAD, UPPER_LIP, LOWER_LIP = 4, 152, 10, 13, 14
UPPER_LID, LOWER_LID = 159, 145


@pytest.fixture(scope="module")
def landmarks() -> PointsF32:
    """The canonical head, 300 px wide, in the middle of a picture of 1280x720."""
    centimetres = face_topology().canonical_cm
    scale = 300 / np.ptp(centimetres[:, 0])
    return np.asarray(centimetres * np.array([1, -1, -1]) * scale + np.array([640, 330, 0]), np.float32)


def test_at_rest_every_point_lies_on_its_pixel_of_the_picture(landmarks: PointsF32) -> None:
    talking_head = TalkingHead(landmarks)
    bright = talking_head.darkness == 0
    assert np.allclose(talking_head.posed(HeadMotion())[bright, :2], talking_head.picture_xy[bright], atol=1e-2)


@pytest.mark.parametrize(
    ("motion", "axis", "sign"),
    [(HeadMotion(yaw_deg=20), 0, 1), (HeadMotion(yaw_deg=-20), 0, -1), (HeadMotion(pitch_deg=10), 1, -1)],
)
def test_the_nose_goes_where_the_head_turns(landmarks: PointsF32, motion: HeadMotion, axis: int, sign: int) -> None:
    talking_head = TalkingHead(landmarks)
    moved = talking_head.posed(motion)[NOSE] - talking_head.posed(HeadMotion())[NOSE]
    assert moved[axis] * sign > 20


def test_a_positive_roll_is_clockwise(landmarks: PointsF32) -> None:
    posed = TalkingHead(landmarks).posed(HeadMotion(roll_deg=15))
    assert posed[263, 1] > posed[33, 1]


def test_the_jaw_takes_chin_and_lower_lip_along_and_leaves_the_rest(landmarks: PointsF32) -> None:
    talking_head = TalkingHead(landmarks)
    moved = talking_head.posed(HeadMotion(jaw=1))[:, 1] - talking_head.posed(HeadMotion())[:, 1]
    assert moved[LOWER_LIP] > 30
    assert moved[CHIN] > 30
    assert abs(moved[[UPPER_LIP, NOSE, FOREHEAD]]).max() < 0.5


def test_a_blink_brings_the_lids_together(landmarks: PointsF32) -> None:
    posed = TalkingHead(landmarks).posed(HeadMotion(blink=1))
    assert np.allclose(posed[UPPER_LID], posed[LOWER_LID], atol=1e-3)


def test_nothing_moves_outside_the_ring_that_says_so(landmarks: PointsF32) -> None:
    talking_head = TalkingHead(landmarks)
    motion = HeadMotion(yaw_deg=25, pitch_deg=12, roll_deg=6, shift_xy=(0.1, 0.05), jaw=1, blink=1)
    rest, posed = talking_head.posed(HeadMotion()), talking_head.posed(motion)
    moved = np.linalg.norm((posed - rest)[:, :2], axis=1) > 0.01
    low, high = talking_head.moving_xy.min(axis=0), talking_head.moving_xy.max(axis=0)
    assert (rest[moved, :2] > low).all()
    assert (rest[moved, :2] < high).all()
    assert (posed[moved, :2] > low).all()
    assert (posed[moved, :2] < high).all()
