"""A kept tone goes on beside the face: onto skin near it, softly, and onto nothing else."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien.stages.colour import ColourMap, apply
from mien.stages.composite import CompositeStage
from mien.stages.tone import ToneStage
from mien_models.geometry.face_regions import OVAL
from mien_models.types import BgrU8, Face, SwappedFace, as_u8

DARKER = 40


def worn(photo: BgrU8, face: Face) -> SwappedFace:
    """The same face, darker."""
    oval = np.zeros(photo.shape[:2], np.uint8)
    cv2.fillPoly(oval, [np.round(face.landmarks[list(OVAL), :2]).astype(np.int32)], (255,))
    alpha = as_u8(cv2.blur(cv2.erode(oval, np.ones((9, 9), np.uint8)), (9, 9)))
    crop = np.clip(photo.astype(np.int16) - DARKER, 0, 255).astype(np.uint8)
    left, top, right, bottom = (int(v) for v in face.box_xyxy)
    part = slice(top, bottom), slice(left, right)
    return SwappedFace(face.id, crop[part], alpha[part], np.array([[1, 0, left], [0, 1, top]], np.float64))


def covered(photo: BgrU8, face: Face) -> NDArray[np.bool_]:
    swapped, whole = worn(photo, face), np.zeros(photo.shape[:2], np.bool_)
    left, top = (int(v) for v in swapped.frame_from_crop[:, 2])
    whole[top : top + swapped.alpha.shape[0], left : left + swapped.alpha.shape[1]] = swapped.alpha == 255
    return whole


def changes(photo: BgrU8, face: Face, *, is_carried: bool) -> NDArray[np.float64]:
    """How much darker each pixel becomes."""
    frame = Frame(photo, 0, 10**9, faces=(face,), chosen=(face,), swapped=(worn(photo, face),))
    composed = CompositeStage()(ToneStage()(frame) if is_carried else frame).composed
    assert composed is not None
    return np.asarray((photo.astype(np.float64) - composed.before_marks()).mean(axis=2))


def test_the_neck_takes_the_tone_and_what_is_far_away_stays(photo: BgrU8, face: Face) -> None:
    x, y = (int(v) for v in face.landmarks[152, :2])
    below, cloth = (slice(y + 6, y + 14), slice(x - 8, x + 8)), (slice(y + 6, y + 30), slice(x + 20, x + 40))
    with_neck = photo.copy()
    with_neck[y + 2 : y + 30, x - 15 : x + 15] = np.median(photo[covered(photo, face)], axis=0)
    with_neck[cloth] = (160, 60, 20)
    alone, carried = (changes(with_neck, face, is_carried=is_carried) for is_carried in (False, True))
    assert np.abs(carried[cloth]).mean() < 0.1 * DARKER
    assert alone[below].mean() < 1
    assert carried[below].mean() > 0.5 * DARKER
    left, top, right, bottom = (int(v) for v in face.box_xyxy)
    wide = right - left
    carried[max(top - wide, 0) : bottom + wide, max(left - wide, 0) : right + wide] = 0
    assert not carried.any()


def test_the_face_itself_is_not_tinted_twice(photo: BgrU8, face: Face) -> None:
    alone, carried = (changes(photo, face, is_carried=is_carried) for is_carried in (False, True))
    assert np.abs(carried - alone)[covered(photo, face)].max() <= 1


def test_a_map_that_keeps_all_changes_nothing_and_one_that_keeps_half_goes_half_way(photo: BgrU8) -> None:
    matrix = np.hstack([0.5 * np.eye(3), np.full((3, 1), 20.0)])
    table = np.repeat(np.arange(255, -1, -1, dtype=np.uint8)[:, None], 3, axis=1)
    for full in (ColourMap("bgr", matrix), ColourMap("bgr", table=table)):
        np.testing.assert_array_equal(apply(full.softened(1.0), photo), photo)
        half = (apply(full, photo).astype(np.float64) + photo) / 2
        assert np.abs(apply(full.softened(0.5), photo) - half).max() <= 1
