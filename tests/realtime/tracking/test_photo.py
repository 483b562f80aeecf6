"""Faces of photos are found large, small, turned, cut and in company."""

import math

import cv2
import numpy as np
import pytest

from mien.tracking.landmark_fit import FaceNetworks
from mien.tracking.photo import PhotoScanSettings, find_faces
from mien_models.types import AffineF64, BgrU8, Face, PointsF32, as_u8


def turned_about(centre: tuple[float, float], degrees: float, scale: float, to: tuple[float, float]) -> AffineF64:
    """Matrix that turns clockwise about a point, scales and puts that point elsewhere."""
    matrix = np.asarray(cv2.getRotationMatrix2D(centre, -degrees, scale), np.float64)
    matrix[:, 2] += np.array(to) - centre
    return matrix


def moved(points: PointsF32, matrix: AffineF64) -> PointsF32:
    return np.asarray(points[:, :2] @ matrix[:, :2].T + matrix[:, 2], np.float32)


def middle(face: Face) -> tuple[float, float]:
    x, y = (face.box_xyxy[:2] + face.box_xyxy[2:]) / 2
    return float(x), float(y)


def error_in_widths(found: Face, expected_xy: PointsF32) -> float:
    return float(np.linalg.norm(found.landmarks[:, :2] - expected_xy, axis=1).mean()) / found.width_px


def test_the_astronaut_looks_into_the_camera(portrait_face: Face) -> None:
    assert portrait_face.score > 0.99
    pose = portrait_face.pose
    assert max(abs(pose.yaw_deg), abs(pose.pitch_deg), abs(pose.roll_deg)) < 12
    left_eye, right_eye, nose, _, mouth = portrait_face.five_points
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] < mouth[1]


@pytest.mark.parametrize("degrees", [-60, -45, 30, 45, 90, 180])
def test_a_rolled_face_is_found_where_it_is_and_its_roll_is_told(
    source_photo: BgrU8, portrait_face: Face, networks: FaceNetworks, degrees: int
) -> None:
    matrix = turned_about(middle(portrait_face), degrees, 1.0, (360, 360))
    faces = find_faces(np.asarray(cv2.warpAffine(source_photo, matrix, (720, 720)), np.uint8), networks)
    assert len(faces) == 1
    assert error_in_widths(faces[0], moved(portrait_face.landmarks, matrix)) < 0.03
    turned_by = faces[0].pose.roll_deg - portrait_face.pose.roll_deg - degrees
    assert abs(math.remainder(turned_by, 360)) < 4


@pytest.mark.parametrize("width_px", [40, 64, 128, 600])
def test_a_face_is_found_in_720p_whatever_its_size(
    source_photo: BgrU8, portrait_face: Face, networks: FaceNetworks, width_px: int
) -> None:
    scale = width_px / portrait_face.width_px
    matrix = turned_about(middle(portrait_face), 0, scale, (900, 340))
    frame = cv2.warpAffine(source_photo, matrix, (1280, 720), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    faces = find_faces(np.asarray(frame, np.uint8), networks)
    assert len(faces) == 1
    assert error_in_widths(faces[0], moved(portrait_face.landmarks, matrix)) < 0.05


def test_a_face_that_fills_the_picture_is_found(
    source_photo: BgrU8, portrait_face: Face, networks: FaceNetworks
) -> None:
    left, top, right, bottom = portrait_face.box_xyxy.astype(int)
    faces = find_faces(np.ascontiguousarray(source_photo[top:bottom, left:right]), networks)
    assert len(faces) == 1
    assert error_in_widths(faces[0], portrait_face.landmarks[:, :2] - np.array([left, top], np.float32)) < 0.05


def test_a_face_at_the_edge_is_found(source_photo: BgrU8, portrait_face: Face, networks: FaceNetworks) -> None:
    left = int(portrait_face.box_xyxy[0] + portrait_face.width_px / 4)
    faces = find_faces(np.ascontiguousarray(source_photo[:, left:]), networks)
    assert len(faces) == 1
    assert error_in_widths(faces[0], portrait_face.landmarks[:, :2] - np.array([left, 0], np.float32)) < 0.08


def test_several_faces_come_largest_first(source_photo: BgrU8, networks: FaceNetworks) -> None:
    frame = np.zeros((720, 1280, 3), np.uint8)
    frame[:512, 700:1212] = source_photo
    frame[200:456, 100:356] = cv2.resize(source_photo, (256, 256), interpolation=cv2.INTER_AREA)
    faces = find_faces(frame, networks)
    assert [face.id for face in faces] == [0, 1]
    assert middle(faces[0])[0] > 700 > middle(faces[1])[0]
    assert faces[0].width_px == pytest.approx(2 * faces[1].width_px, rel=0.1)


def test_where_the_largest_is_wanted_small_faces_behind_it_are_not_looked_for(
    source_photo: BgrU8, networks: FaceNetworks
) -> None:
    frame = np.full((1000, 1000, 3), 90, np.uint8)
    frame[400:912, 300:812] = source_photo
    frame[20:212, 780:972] = cv2.resize(source_photo, (192, 192), interpolation=cv2.INTER_AREA)
    everybody = find_faces(frame, networks)
    assert len(everybody) == 2
    largest, *others = find_faces(frame, networks, PhotoScanSettings(wants_largest=True))
    np.testing.assert_array_equal(largest.landmarks, everybody[0].landmarks)
    assert not others


def test_where_the_largest_is_wanted_several_large_ones_are_still_told(
    source_photo: BgrU8, networks: FaceNetworks
) -> None:
    frame = as_u8(np.hstack([source_photo, as_u8(cv2.flip(source_photo, 1))]))
    found = find_faces(frame, networks, PhotoScanSettings(wants_largest=True))
    assert len(found) == len(find_faces(frame, networks)) == 2


@pytest.mark.parametrize("sigma_px", [0.0, 8.0])
def test_noise_shows_no_face(networks: FaceNetworks, sigma_px: float) -> None:
    noise = np.random.default_rng(1).uniform(0, 1, (360, 640, 3))
    if sigma_px:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma_px), np.float64)
        noise = (noise - noise.min()) / np.ptp(noise)
    assert find_faces((noise * 255).astype(np.uint8), networks) == ()


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 4000, 3), (3000, 2, 3), (16, 16, 3)])
def test_a_picture_too_small_for_a_face_has_none(networks: FaceNetworks, shape: tuple[int, int, int]) -> None:
    assert find_faces(np.full(shape, 128, np.uint8), networks) == ()
