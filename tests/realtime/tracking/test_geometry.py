"""Regions and head poses turn with the face."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mien.tracking.geometry import Extent, head_pose, overlap
from mien_models.types import Face, PointsF32


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Turn a head in the frame's axes (x right, y down, z into the picture): roll first, then pitch, then yaw."""
    y, p, r = -math.radians(yaw), math.radians(pitch), math.radians(roll)
    about_y = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(-p), math.sin(p)], [0, math.sin(-p), math.cos(-p)]])
    about_z = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z)


def straightened(face: Face) -> PointsF32:
    """The astronaut's landmarks, turned until their pose is zero."""
    pose = face.pose
    points = face.landmarks - face.landmarks.mean(axis=0)
    back = rotation(pose.yaw_deg, pose.pitch_deg - 10, pose.roll_deg).T
    ahead = rotation(0, -10, 0)
    return np.asarray(points @ (ahead @ back).T, np.float32)


@given(yaw=st.floats(-60, 60), pitch=st.floats(-40, 40), roll=st.floats(-170, 170))
def test_a_turned_head_tells_how_it_was_turned(portrait_face: Face, yaw: float, pitch: float, roll: float) -> None:
    from_zero = rotation(yaw, pitch - 10, roll) @ rotation(0, -10, 0).T
    pose = head_pose(np.asarray(straightened(portrait_face) @ from_zero.T, np.float32))
    assert abs(pose.yaw_deg - yaw) < 0.5
    assert abs(pose.pitch_deg - pitch) < 0.5
    assert abs(math.remainder(pose.roll_deg - roll, 360)) < 0.5


@given(roll=st.floats(-180, 180), x=st.floats(-500, 500), scale=st.floats(0.1, 10))
def test_the_region_moves_turns_and_grows_with_the_landmarks(
    portrait_face: Face, roll: float, x: float, scale: float
) -> None:
    before = Extent.of(portrait_face.landmarks).region()
    cos, sin = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    turn = np.array([[cos, -sin], [sin, cos]]) * scale
    points = portrait_face.landmarks.copy()
    points[:, :2] = points[:, :2] @ turn.T + [x, -x]
    after = Extent.of(points).region()
    np.testing.assert_allclose(after.centre_xy, turn @ before.centre_xy + [x, -x], atol=0.05 * scale + 0.05)
    assert abs(after.side_px / (before.side_px * scale) - 1) < 1e-2
    assert abs(math.remainder(after.roll_rad - before.roll_rad - math.radians(roll), 2 * math.pi)) < 1e-2


def test_overlap_is_one_for_the_same_box_and_zero_for_touching_ones() -> None:
    box = np.array([0, 0, 10, 20], np.float32)
    assert overlap(box, box) == 1
    assert overlap(box, box + np.array([10, 0, 10, 0], np.float32)) == 0
    assert overlap(box, box + np.array([5, 0, 5, 0], np.float32)) == 1 / 3
