"""A head's shape without its pose, and the way to the photo's proportions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien_models.geometry.face_mesh import face_topology
from mien_models.geometry.face_regions import EYE_LEFT, EYE_RIGHT, LIPS_INNER
from mien_models.swappers.mesh.shape import ShapeFilter, head_shape, mean_shape_cm
from mien_models.swappers.mesh.shape_transfer import LARGEST_CM, MOUTH_CORNERS, proportions_change
from mien_models.types import PointsF32, as_f32

NOSE_TIP = 4
CHIN = 152
LOWER_FACE_CM = 5.0
"""Below this, y down, lie the lower lip and the chin of the average head."""


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
def test_the_change_turns_with_the_head(yaw: float, roll: float) -> None:
    wide = as_f32(canonical() * np.array([1.1, 1, 1]))
    straight = ShapeFilter(wide, 1.0).change_px(posed(canonical(), 20, 0, 0, 0), 0.0)
    turned = ShapeFilter(wide, 1.0).change_px(posed(canonical(), 20, yaw, 0, roll), 0.0)
    expected = posed(straight, 1, yaw, 0, roll) - np.array([300, 200, 0])
    np.testing.assert_allclose(turned, expected, atol=0.05)


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_the_change_goes_as_far_as_it_is_asked_to(strength: float) -> None:
    wide = as_f32(canonical() * np.array([1.1, 1, 1]))
    change = ShapeFilter(wide, strength).change_px(posed(canonical(), 20, 0, 0, 0), 0.0)
    np.testing.assert_allclose(change, strength * 20 * proportions_change(wide, canonical()), atol=0.05)


def test_ones_own_shape_moves_nothing() -> None:
    landmarks = posed(canonical(), 20, 0.4, 0.1, 0.2)
    change = ShapeFilter(head_shape(landmarks).points_cm, 1.0).change_px(landmarks, 0.0)
    np.testing.assert_allclose(change, 0, atol=0.02)


def test_a_short_expression_is_kept_and_not_taken_for_shape() -> None:
    tracker = ShapeFilter(canonical(), 1.0)
    rest = posed(canonical(), 20, 0, 0, 0)
    for _ in range(90):
        tracker.change_px(rest, 1 / 30)
    raised = canonical()
    brow = 105
    raised[brow, 1] -= 0.5
    frown = posed(raised, 20, 0, 0, 0)
    assert abs(tracker.change_px(frown, 1 / 30)[brow, 1]) < 0.05 * abs(frown[brow, 1] - rest[brow, 1])


def test_a_profile_hardly_changes_what_is_known_of_a_shape() -> None:
    tracker = ShapeFilter(canonical(), 1.0)
    for _ in range(30):
        tracker.change_px(posed(canonical(), 20, 0, 0, 0), 1 / 30)
    misjudged = posed(as_f32(canonical() * np.array([1, 1.3, 1])), 20, 1.3, 0, 0)
    changes = [tracker.change_px(misjudged, 1 / 30) for _ in range(15)]
    assert np.abs(changes[-1]).max() < 0.5


def test_of_several_photos_those_that_look_into_the_camera_say_most_of_the_shape() -> None:
    misjudged = as_f32(canonical() * np.array([1, 1.2, 1]))
    views = [posed(canonical(), 20, 0, 0, 0), posed(canonical(), 33, 0.3, 0.1, 0.2), posed(misjudged, 20, 1.3, 0, 0)]
    np.testing.assert_allclose(mean_shape_cm(views), canonical(), atol=0.05)


def test_eyes_further_apart_move_apart_as_wholes() -> None:
    apart = canonical()
    apart[list(EYE_LEFT), 0] -= 0.3
    apart[list(EYE_RIGHT), 0] += 0.3
    change = proportions_change(apart, canonical())
    np.testing.assert_allclose(change[list(EYE_LEFT), 0], -0.28, atol=0.05)
    np.testing.assert_allclose(change[list(EYE_RIGHT), 0], 0.28, atol=0.05)
    assert np.abs(change[list(EYE_LEFT), 1]).max() < 0.05


def test_a_shorter_chin_goes_up() -> None:
    points = canonical()
    lower = np.clip((points[:, 1:2] - LOWER_FACE_CM) / 4, 0, 1)
    short = as_f32(points - lower * np.array([0, 0.8, 0]))
    assert proportions_change(short, points)[CHIN, 1] < -0.4


def test_an_open_mouth_in_the_photo_neither_opens_the_mouth_nor_lengthens_the_chin() -> None:
    points = canonical()
    open_mouthed = points.copy()
    below = np.array([i for i in range(468) if points[i, 1] > points[14, 1] - 0.01])
    open_mouthed[below, 1] += 1.2 * np.clip(
        (points[below, 2] - points[234, 2]) / (points[CHIN, 2] - points[234, 2]), 0, 1
    )
    change = proportions_change(open_mouthed, points)
    assert np.ptp(change[list(LIPS_INNER), 1]) < 0.05
    assert abs(change[CHIN, 1]) < 0.3


def test_raised_corners_of_the_photos_smile_are_not_worn() -> None:
    smiling = canonical()
    smiling[list(MOUTH_CORNERS), 1] -= 0.6
    change = proportions_change(smiling, canonical())
    assert np.abs(change[list(MOUTH_CORNERS), 1]).max() < 0.1


def test_both_halves_of_a_face_move_alike() -> None:
    crooked = canonical()
    crooked[[61, 33, 172], 1] += 0.5
    change = proportions_change(crooked, canonical())
    np.testing.assert_allclose(change[[33, 172], 1], change[[263, 397], 1], atol=1e-4)


def test_no_difference_of_shape_moves_anything_too_far() -> None:
    odd = as_f32(canonical() * np.array([2, 0.4, 3]))
    assert np.linalg.norm(proportions_change(odd, canonical()), axis=1).max() <= LARGEST_CM + 1e-4
