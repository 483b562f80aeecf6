"""A texture that makes a head nod, and a head that is kept from it."""

from dataclasses import replace

import numpy as np

from mien.tracking.photo import find_faces
from mien_models.geometry.face_mesh import face_topology
from mien_models.geometry.face_regions import OVAL
from mien_models.library.builtin import load_landmarker
from mien_models.swappers.mesh.pitch_offset import LARGEST_RAD, apparent_pitch_offset
from mien_models.swappers.mesh.shape import ShapeFilter, pitch_rad
from mien_models.swappers.mesh.texture import bake
from mien_models.types import BgrU8, SourceFace, as_f32

NOSE_TIP = 4


def test_features_worn_lower_than_they_are_seem_to_look_down(photo: BgrU8) -> None:
    face, landmarker = find_faces(photo)[0], load_landmarker()
    before_outline = face.landmarks[:, 2] - face.landmarks[list(OVAL), 2].mean()
    seen: list[float] = []
    for turned_deg in (-4, 0, 4):
        misplaced = face.landmarks.copy()
        misplaced[:, 1] += np.radians(turned_deg) * before_outline
        seen.append(
            apparent_pitch_offset(bake(SourceFace.of(photo, replace(face, landmarks=misplaced))).bgr, landmarker)
        )
    assert abs(seen[1]) < LARGEST_RAD
    assert seen[0] < seen[1] - np.radians(1)
    assert seen[2] > seen[1] + np.radians(1)


def test_a_nod_is_undone_by_the_features_and_not_by_the_outline() -> None:
    head = as_f32(face_topology().canonical_cm * np.array([1, -1, -1], np.float32) * 20)
    still, undone = (
        head + ShapeFilter(as_f32(head / 20), 1.0, pitch_offset_rad=pitch_offset_rad).change_px(head, 0.0)
        for pitch_offset_rad in (0.0, np.radians(4))
    )
    moved = (undone - still)[:, 1]
    assert np.abs(moved[list(OVAL)]).max() < 0.01 * abs(moved[NOSE_TIP])
    assert pitch_rad(as_f32(undone)) < pitch_rad(as_f32(still)) - np.radians(0.5)
