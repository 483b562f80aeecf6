"""The frame is bent with the face, smoothly and near it only."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien_models.geometry.face_mesh import face_topology
from mien_models.geometry.face_regions import EYE_LEFT, EYE_RIGHT
from mien_models.swappers.mesh.shape import warp_face
from mien_models.types import PointsF32, Warp, as_f32

FRAME_SIZE = (480, 400)


def face(yaw: float = 0.0, scale: float = 12.0, x: float = 240, y: float = 200) -> PointsF32:
    """The average head in a picture, turned by so many radians."""
    points = face_topology().canonical_cm * np.array([1, -1, -1])
    cos, sin = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    return as_f32(scale * points @ turn.T + np.array([x, y, 0]))


def wider(landmarks: PointsF32, by: float) -> PointsF32:
    return as_f32((landmarks - landmarks.mean(axis=0)) * np.array([by, by / 2, 0]))


def eye_distance(landmarks: PointsF32) -> float:
    return float(np.linalg.norm((landmarks[list(EYE_LEFT)] - landmarks[list(EYE_RIGHT)]).mean(axis=0)[:2]))


@settings(max_examples=30, deadline=None)
@given(yaw=st.floats(-1.2, 1.2), by=st.floats(-0.15, 0.15), x=st.floats(0, 480), y=st.floats(0, 400))
def test_what_is_seen_of_the_face_lands_on_the_moved_landmarks(yaw: float, by: float, x: float, y: float) -> None:
    landmarks = face(yaw, x=x, y=y)
    warped = warp_face(landmarks, wider(landmarks, by), FRAME_SIZE)
    if warped.warp is None:
        np.testing.assert_array_equal(warped.landmarks, landmarks)
        return
    at = warped.landmarks[:, None, :2]
    origin_x, origin_y = warped.warp.origin(as_f32(at[..., 0]), as_f32(at[..., 1]))
    inside = ((warped.landmarks[:, :2] >= 1) & (warped.landmarks[:, :2] < np.array(FRAME_SIZE) - 2)).all(axis=1)
    error = np.hypot(origin_x[:, 0] - landmarks[:, 0], origin_y[:, 0] - landmarks[:, 1])
    assert error[inside].max(initial=0) < 0.02 * eye_distance(face())


@settings(max_examples=30, deadline=None)
@given(yaw=st.floats(-1.5, 1.5), by=st.floats(-0.6, 0.6))
def test_nothing_is_folded_however_much_is_asked_for(yaw: float, by: float) -> None:
    landmarks = face(yaw)
    warp = warp_face(landmarks, wider(landmarks, by), FRAME_SIZE).warp
    if warp is None:
        return
    rows, columns = np.mgrid[0 : FRAME_SIZE[1] : 2, 0 : FRAME_SIZE[0] : 2].astype(np.float32)
    origin_x, origin_y = warp.origin(columns, rows)
    area = np.diff(origin_x, axis=1)[:-1] * np.diff(origin_y, axis=0)[:, :-1]
    area -= np.diff(origin_x, axis=0)[:, :-1] * np.diff(origin_y, axis=1)[:-1]
    assert area.min() > 0


@pytest.mark.parametrize("yaw", [0.0, 0.7, 1.2])
def test_the_surroundings_stay(yaw: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*FRAME_SIZE[::-1], 3), np.uint8)
    landmarks = face(yaw)
    warp = warp_face(landmarks, wider(landmarks, 0.1), FRAME_SIZE).warp
    assert warp is not None
    changed = np.zeros(noise.shape[:2], bool)
    rows, columns = slice(warp.top, warp.top + warp.height), slice(warp.left, warp.left + warp.width)
    changed[rows, columns] = (warp.warped(noise) != noise[rows, columns]).any(axis=2)
    outside = np.ones(noise.shape[:2], np.uint8)
    cv2.fillConvexPoly(outside, np.round(cv2.convexHull(np.ascontiguousarray(landmarks[:, :2]))).astype(np.int32), (0,))
    distance = np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, 5))
    assert changed[distance < 0.1 * eye_distance(landmarks)].mean() > 0.5
    assert not changed[distance > 0.45 * eye_distance(landmarks)].any()


def test_a_wish_for_nothing_bends_nothing() -> None:
    landmarks = face()
    assert warp_face(landmarks, np.zeros_like(landmarks), FRAME_SIZE).warp is None


def test_a_face_outside_of_the_frame_bends_nothing() -> None:
    landmarks = face(x=-900)
    assert warp_face(landmarks, wider(landmarks, 0.1), FRAME_SIZE).warp is None


def test_a_bend_takes_the_content_from_where_it_says() -> None:
    ramp = np.repeat(np.arange(100, dtype=np.uint8)[None], 60, axis=0)
    image = np.dstack([ramp, ramp, ramp])
    shift = np.zeros((5, 6, 2), np.float32)
    shift[..., 0] = 3
    warp = Warp(20, 10, 48, 40, shift)
    np.testing.assert_array_equal(warp.warped(image)[:, :-3], image[10:50, 23:68])
    origin_x, origin_y = warp.origin(np.full((1, 1), 30, np.float32), np.full((1, 1), 20, np.float32))
    assert (origin_x.item(), origin_y.item()) == (33, 20)


def test_a_bend_without_shifts_is_refused() -> None:
    with pytest.raises(ValueError, match="shift_px"):
        Warp(0, 0, 8, 8, np.zeros((4, 4), np.float32))
