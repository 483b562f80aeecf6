"""The finish of a composed face, with networks whose answer is known."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien.stages.composite import CompositeStage
from mien.stages.finish import FinishStage
from mien.tracking.photo import find_faces
from mien_models.networks.finisher import Composed, may_change
from mien_models.types import BgrU8, Face, SwappedFace, Warp, as_f32, as_u8

FRAME_NS = 40_000_000


class Answers:
    """Adds what it is told, where the network may; keeps what it was shown."""

    def __init__(self, *levels: float) -> None:
        self.levels = list(levels)
        self.shown: list[Composed] = []

    def added(self, face: Composed) -> NDArray[np.float32]:
        self.shown.append(face)
        level = self.levels[min(len(self.shown), len(self.levels)) - 1]
        return as_f32(np.full((128, 128, 3), level, np.float32) * may_change(face.places)[..., None])


@pytest.fixture(scope="module")
def photo() -> BgrU8:
    path = Path(skimage.__file__).parent / "data" / "astronaut.png"
    image = as_u8(np.asarray(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)))
    return np.clip(image, 40, 200).astype(np.uint8)


@pytest.fixture(scope="module")
def face(photo: BgrU8) -> Face:
    return find_faces(photo)[0]


def worn(photo: BgrU8, face: Face, level: int = 120) -> SwappedFace:
    """A flat patch over the middle of the face, with a hole in it."""
    left, top, right, bottom = (int(v) for v in face.box_xyxy)
    crop = np.full((bottom - top, right - left, 3), level, np.uint8)
    alpha = np.zeros(crop.shape[:2], np.uint8)
    rows, columns = alpha.shape
    alpha[rows // 4 : -rows // 4, columns // 4 : -columns // 4] = 255
    alpha[rows // 2 - 5 : rows // 2 + 5, columns // 2 - 5 : columns // 2 + 5] = 0
    return SwappedFace(face.id, crop, alpha, np.array([[1.0, 0, left], [0, 1, top]]))


def frame_of(photo: BgrU8, face: Face, number: int = 0) -> Frame:
    swapped = (worn(photo, face),)
    return Frame(photo, number, 10**9 + number * FRAME_NS, faces=(face,), chosen=(face,), swapped=swapped)


def composed(frame: Frame) -> NDArray[np.int_]:
    result = CompositeStage()(frame).composed
    assert result is not None
    return result.before_marks().astype(int)


def middle(face: Face) -> tuple[int, int]:
    left, top, right, bottom = (int(v) for v in face.box_xyxy)
    return top + (bottom - top) // 2, left + (right - left) // 2


def test_what_the_network_adds_is_seen_on_the_face_in_its_holes_and_nowhere_far_away(photo: BgrU8, face: Face) -> None:
    frame = frame_of(photo, face)
    change = composed(FinishStage(Answers(20.0))(frame)) - composed(frame)
    row, column = middle(face)
    assert np.abs(change[row - 20, column + 20] - 20).max() <= 2, "where the crop covers the frame"
    assert np.abs(change[row, column] - 20).max() <= 2, "in its hole, where the wearer shows"
    left, top, right, bottom = (int(v) for v in face.box_xyxy)
    change[top - 60 : bottom + 60, left - 60 : right + 60] = 0
    assert not change.any()


def test_a_network_that_adds_nothing_changes_nothing(photo: BgrU8, face: Face) -> None:
    frame = frame_of(photo, face)
    assert np.abs(composed(FinishStage(Answers(0.0))(frame)) - composed(frame)).max() <= 1


def test_the_network_sees_the_face_in_place_and_the_wearer_apart_from_it(photo: BgrU8, face: Face) -> None:
    network = Answers(0.0)
    FinishStage(network)(frame_of(photo, face))
    (shown,) = network.shown
    covered = cv2.erode(shown.alpha, np.ones((5, 5), np.uint8)) == 255
    assert covered.sum() > 1000
    assert np.abs(shown.bgr[covered].astype(int) - 120).max() <= 2
    assert shown.frame_bgr[covered].std() > 10
    bare = cv2.dilate(shown.alpha, np.ones((7, 7), np.uint8)) == 0
    assert np.abs(shown.bgr[bare].astype(int) - shown.frame_bgr[bare]).max() <= 2


def test_a_sudden_other_answer_comes_softly(photo: BgrU8, face: Face) -> None:
    network = Answers(0.0, 30.0)
    stage = FinishStage(network)
    row, column = middle(face)
    seen = [
        composed(stage(frame_of(photo, face, number)))[row - 20, column + 20].mean() - 120 for number in range(0, 24, 2)
    ]
    steps = np.diff(seen)
    assert seen[0] == 0
    assert 0 < steps.max() < 20
    assert seen[-1] > 27


def test_the_network_is_not_asked_in_every_frame(photo: BgrU8, face: Face) -> None:
    network = Answers(10.0)
    stage = FinishStage(network)
    for number in range(10):
        stage(frame_of(photo, face, number))
    assert 4 <= len(network.shown) <= 6


def test_a_frame_that_is_warped_is_finished_as_it_is_warped(photo: BgrU8, face: Face) -> None:
    left, top, right, bottom = (int(v) for v in face.box_xyxy)
    shift = np.zeros((9, 9, 2), np.float32)
    shift[3:6, 3:6] = 6
    warp = Warp(left, top, right - left, bottom - top, shift)
    frame = frame_of(photo, face)
    frame = replace(frame, swapped=(replace(frame.swapped[0], warp=warp),))
    change = composed(FinishStage(Answers(20.0))(frame)) - composed(frame)
    row, column = middle(face)
    assert np.abs(change[row, column] - 20).max() <= 2
    assert np.abs(change).max() <= 24


def test_it_may_be_left_out_and_forgets_meanwhile(photo: BgrU8, face: Face) -> None:
    network = Answers(30.0, 0.0)
    stage = FinishStage(network)
    stage(frame_of(photo, face, 0))
    stage.parts[0].switch(on=False)
    frame = frame_of(photo, face, 1)
    assert stage(frame) is frame
    stage.parts[0].switch(on=True)
    frame = frame_of(photo, face, 2)
    assert np.abs(composed(stage(frame)) - composed(frame)).max() <= 1
