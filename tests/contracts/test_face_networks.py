"""Every detector and every landmarker that Mien carries, on the public-domain astronaut."""

import math
from typing import cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from mien_models.geometry.crop import Region, cut_patch
from mien_models.library import builtin
from mien_models.types import BgrU8

FACE = Region((224.8, 122.5), 163.0, 0.057)
EYES = np.array([[203.2, 101.6], [246.5, 104.1]])


def named(kind: str) -> list[str]:
    return [name for name in builtin.manifest_names() if builtin.read_manifest(name).kind == kind]


@pytest.fixture(scope="module")
def source_photo() -> BgrU8:
    rgb = cast("NDArray[np.uint8]", astronaut())  # type: ignore[no-untyped-call]  # scikit-image is not annotated
    return np.ascontiguousarray(rgb[..., ::-1])


@pytest.mark.parametrize("name", named("detector"))
@pytest.mark.parametrize("roll_deg", [0, 45, -45])
def test_a_detector_finds_the_face_in_a_region_and_gives_places_in_the_frame(
    name: str, roll_deg: int, source_photo: BgrU8
) -> None:
    before = source_photo.copy()
    region = Region(FACE.centre_xy, 300.0, math.radians(roll_deg))
    faces = builtin.load_detector(name).detect(source_photo, region=region)
    assert len(faces) == 1
    assert faces[0].score > 0.5
    assert np.linalg.norm(faces[0].keypoints[:2] - EYES, axis=1).max() < 10
    left, top, right, bottom = faces[0].box_xyxy
    assert left < FACE.centre_xy[0] < right
    assert top < FACE.centre_xy[1] < bottom
    np.testing.assert_array_equal(source_photo, before)


@pytest.mark.parametrize("name", named("detector"))
def test_a_detector_gives_fewer_faces_for_a_higher_score_and_none_for_grey(name: str, source_photo: BgrU8) -> None:
    detector = builtin.load_detector(name)
    scores = [face.score for face in detector.detect(source_photo, min_score=0.1)]
    assert scores == sorted(scores, reverse=True)
    assert len(detector.detect(source_photo, min_score=0.999)) == 0
    assert len(detector.detect(np.full((90, 160, 3), 128, np.uint8))) == 0


@pytest.mark.parametrize("name", named("landmarker"))
@pytest.mark.parametrize("roll_deg", [0, 20])
def test_a_landmarker_places_the_eyes_where_they_are(name: str, roll_deg: int, source_photo: BgrU8) -> None:
    landmarks, score = builtin.load_landmarker(name).landmarks(source_photo, FACE.turned(math.radians(roll_deg)))
    assert landmarks.shape == (468, 3)
    assert landmarks.dtype == np.float32
    assert score > 0.9
    eyes = np.stack([landmarks[[33, 133], :2].mean(axis=0), landmarks[[263, 362], :2].mean(axis=0)])
    assert np.linalg.norm(eyes - EYES, axis=1).max() < 6


@pytest.mark.parametrize("name", named("landmarker"))
def test_landmarks_of_a_mirrored_face_are_the_mirror_image(name: str, source_photo: BgrU8) -> None:
    """The half pixel between a network's edges and our pixel centres would show here, twice."""
    landmarker = builtin.load_landmarker(name)
    mirrored = np.ascontiguousarray(source_photo[:, ::-1])
    pairs = [33, 263, 61, 291, 234, 454]
    swapped = [263, 33, 291, 61, 454, 234]
    differences: list[float] = []
    for scale in (0.9, 1.0, 1.1, 1.2):
        side_px = FACE.side_px * scale
        there, _ = landmarker.landmarks(source_photo, FACE.scaled(scale))
        back, _ = landmarker.landmarks(mirrored, Region((511 - FACE.centre_xy[0], 122.5), side_px, -FACE.roll_rad))
        differences.append(float((there[pairs, 0] + back[swapped, 0] - 511).mean()))
    assert abs(np.mean(differences)) < 0.4


@pytest.mark.parametrize("side_px", [20.0, 97.0, 256.0, 700.0, 1999.0])
@pytest.mark.parametrize("roll_deg", [0, 30])
def test_a_patch_shows_what_its_matrix_says(side_px: float, roll_deg: int) -> None:
    y, x = np.mgrid[0:1000, 0:1200]
    picture = np.stack([x * 0.2, y * 0.25, np.zeros_like(x)], axis=-1).astype(np.uint8)
    region = Region((598.4, 501.7), side_px, math.radians(roll_deg))
    patch = cut_patch(picture, region, 64, border=cv2.BORDER_REPLICATE)
    corners = np.array([[31.5, 31.5], [8, 8], [56, 20], [30, 50]], np.float32)
    for (px, py), (fx, fy) in zip(corners, patch.points_in_frame(corners), strict=True):
        if 10 < fx < 1190 and 10 < fy < 990:
            shown = patch.image_bgr[round(float(py)), round(float(px))].astype(float)
            assert abs(shown[0] - 0.2 * fx) < 1.5 + 0.25 * patch.scale
            assert abs(shown[1] - 0.25 * fy) < 1.5 + 0.25 * patch.scale
    np.testing.assert_allclose(patch.points_in_frame(corners)[0], region.centre_xy, atol=1e-3)
