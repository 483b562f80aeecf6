"""The photo's proportions on the target's head."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mien_models.arrays import PointsF32, as_f32
from mien_models.mesh.regions import EYE_LEFT, LIPS_INNER, OVAL
from mien_models.mesh.shape import STRENGTH, ShapeFollower, head_shape
from mien_models.mesh.topology import face_topology

NOSE_TIP = 4


def canonical() -> PointsF32:
    return as_f32(face_topology().canonical_cm * np.array([1, -1, -1]))


def posed(points_cm: PointsF32, scale: float, yaw: float, pitch: float, roll: float) -> PointsF32:
    """A head turned (radians), enlarged to pixels and moved into a picture."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
    turn_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    turn_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    turn_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return as_f32(scale * points_cm @ (turn_z @ turn_x @ turn_y).T + np.array([300, 200, 0]))


angles = st.floats(-1, 1)


@settings(max_examples=40, deadline=None)
@given(scale=st.floats(2, 60), yaw=angles, pitch=angles, roll=st.floats(-3, 3))
def test_a_shape_does_not_depend_on_pose_and_size(scale: float, yaw: float, pitch: float, roll: float) -> None:
    shape = head_shape(posed(canonical(), scale, yaw, pitch, roll))
    np.testing.assert_allclose(shape.points_cm, canonical(), atol=2e-3)


@settings(max_examples=20, deadline=None)
@given(yaw=angles, roll=st.floats(-3, 3))
def test_a_nose_of_another_length_is_taken_over_and_eyes_lips_and_outline_stay(yaw: float, roll: float) -> None:
    long_nose = canonical()
    long_nose[NOSE_TIP, 2] -= 0.8
    landmarks = posed(canonical(), 20, yaw, 0, roll)
    drawn = ShapeFollower(long_nose)(landmarks, 0.0)
    wanted = posed(as_f32(canonical() + STRENGTH * (long_nose - canonical())), 20, yaw, 0, roll)
    np.testing.assert_allclose(drawn[NOSE_TIP], wanted[NOSE_TIP], atol=0.1)
    staying = [*OVAL, *EYE_LEFT, *LIPS_INNER]
    np.testing.assert_allclose(drawn[staying], landmarks[staying], atol=1e-3)


def test_ones_own_shape_moves_nothing() -> None:
    landmarks = posed(canonical(), 20, 0.4, 0.1, 0.2)
    drawn = ShapeFollower(head_shape(landmarks).points_cm)(landmarks, 0.0)
    np.testing.assert_allclose(drawn, landmarks, atol=0.01)


def test_a_short_expression_is_kept_and_not_taken_for_shape() -> None:
    follow = ShapeFollower(canonical())
    rest = posed(canonical(), 20, 0, 0, 0)
    for _ in range(90):
        follow(rest, 1 / 30)
    raised = canonical()
    brow = 105
    raised[brow, 1] -= 0.5
    frown = posed(raised, 20, 0, 0, 0)
    assert abs(follow(frown, 1 / 30)[brow, 1] - frown[brow, 1]) < 0.1 * abs(frown[brow, 1] - rest[brow, 1])
