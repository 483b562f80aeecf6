"""A pose is kept until another fits clearly better; what is forgotten begins anew."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest

from mien.tracking.geometry import box_xyxy, head_pose
from mien_models.architectures import simswap
from mien_models.geometry.alignment import Aligner
from mien_models.geometry.face_mesh import LANDMARKS, face_topology
from mien_models.geometry.face_regions import BROW_RIGHT, EYE_LEFT, LIPS_INNER, LIPS_OUTER
from mien_models.geometry.resizing import resized, side_from_cut
from mien_models.specs.templates import TEMPLATES, pose_misfits, template_points
from mien_models.types import Face


def turned(yaw_deg: float, face_id: int = 0) -> Face:
    """The average head, which looks to the picture's right where yaw is above zero."""
    cm = face_topology().canonical_cm[:LANDMARKS] * np.array([1, -1, -1], np.float32)
    yaw = np.radians(-yaw_deg)
    turn = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    landmarks = (cm @ turn * 12 + (320, 240, 0)).astype(np.float32)
    return Face(face_id, box_xyxy(landmarks), landmarks, head_pose(landmarks), 1.0)


def pose_of(face: Face) -> int:
    return int(pose_misfits(face.five_points, "arcface_5pose").argmin())


def aligner() -> Aligner:
    return Aligner(simswap.crop(224), 224)


@pytest.mark.parametrize(("yaw_deg", "pose"), [(-75, 0), (-45, 1), (0, 2), (45, 3), (75, 4)])
def test_the_pose_goes_with_the_yaw(yaw_deg: float, pose: int) -> None:
    face = turned(yaw_deg)
    assert np.sign(face.pose.yaw_deg) == np.sign(yaw_deg)
    assert pose_of(face) == pose


def between_poses() -> float:
    """The yaw, in hundredths of a degree, at which the frontal pose begins to fit worse than the next."""
    return next(yaw / 100 for yaw in range(6000) if pose_of(turned(yaw / 100)) == 3)


def test_a_head_that_stays_where_two_poses_fit_alike_does_not_make_the_crop_jump() -> None:
    middle, steady = between_poses(), aligner()
    yaws = [middle + shake for shake in (-1.5, 1.5, -1.0, 1.5, -0.5, 1.0, -1.5)]
    assert len({pose_of(turned(yaw)) for yaw in yaws}) == 2
    places = [steady.of_face(turned(yaw)) for yaw in yaws]
    jumps = [float(np.abs(one - other)[:, 2].max()) for one, other in pairwise(places)]
    flapping = [aligner().of_face(turned(yaw)) for yaw in yaws]
    jumps_without = [float(np.abs(one - other)[:, 2].max()) for one, other in pairwise(flapping)]
    assert max(jumps) < max(jumps_without) / 3


def test_a_head_that_turns_on_is_followed() -> None:
    middle, steady = between_poses(), aligner()
    steady.of_face(turned(0))
    for yaw_deg in (middle + 8, 45, 0, -45, -75, 75):
        np.testing.assert_allclose(steady.of_face(turned(yaw_deg)), aligner().of_face(turned(yaw_deg)))


def test_each_face_has_its_own_pose_and_a_forgotten_one_begins_anew() -> None:
    near, steady = between_poses() + 1.5, aligner()
    first = steady.of_face(turned(0, face_id=1)), steady.of_face(turned(near, face_id=1))
    np.testing.assert_allclose(steady.of_face(turned(near, face_id=2)), aligner().of_face(turned(near)))
    assert not np.allclose(first[1], aligner().of_face(turned(near)))
    steady.forget(1)
    np.testing.assert_allclose(steady.of_face(turned(near, face_id=1)), aligner().of_face(turned(near)))


def test_a_dfm_is_aligned_by_what_rests_in_a_face() -> None:
    face, aligner_of_mesh = turned(10), Aligner(replace(simswap.crop(224), template="dfl_whole_face"), 224)
    landmarks = face.landmarks.copy()
    landmarks[list(LIPS_OUTER + LIPS_INNER + EYE_LEFT + BROW_RIGHT)] += 5
    talking = replace(face, landmarks=landmarks)
    np.testing.assert_array_equal(aligner_of_mesh.of_face(face), aligner_of_mesh.of_face(talking))
    assert not np.allclose(aligner_of_mesh.of_points(face.five_points), aligner_of_mesh.of_points(talking.five_points))


def test_an_extent_that_says_what_the_template_says_changes_nothing() -> None:
    for name, template in TEMPLATES.items():
        np.testing.assert_allclose(template_points(name, 256, extent=template.extent), template_points(name, 256))


@pytest.mark.parametrize("how", ["linear", "nearest", "corners"])
def test_what_is_resized_lies_where_its_matrix_says(how: Any) -> None:
    ramp = np.repeat(np.repeat(np.arange(224, dtype=np.uint8)[None, :, None], 224, axis=0), 3, axis=2)
    small = resized(ramp, 112, how)
    matrix = side_from_cut(112, 224, how)
    columns = np.arange(8, 216)
    there = (matrix[0, 0] * columns + matrix[0, 2]).astype(np.float32)
    row = np.full_like(there, 50)
    seen = cv2.remap(small.astype(np.float32), there[None], row[None], cv2.INTER_LINEAR)[0, :, 0]
    assert np.abs(seen - columns).max() <= 1
