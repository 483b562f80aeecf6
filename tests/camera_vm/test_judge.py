"""Whether the judge of the pictures that are read from a virtual camera would notice a real face; needs no camera."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.camera_vm.scene import HEIGHT, WIDTH, Judge, Kind, labelled

from mien.pipeline.live.slates import Slates
from mien.pipeline.live.state import Cause
from mien_models.types import BgrU8


@pytest.fixture(scope="module")
def frame(clip: Path) -> BgrU8:
    capture = cv2.VideoCapture(str(clip))
    _, frame = capture.read()
    capture.release()
    return np.asarray(frame, np.uint8)


def with_blue_face(frame: BgrU8) -> BgrU8:
    changed = frame.copy()
    face = (slice(60, 170), slice(110, 210))
    changed[face] = frame[face][:, :, ::-1]
    return changed


def test_the_webcams_own_picture_is_the_real_face_with_and_without_a_label(judge: Judge, frame: BgrU8) -> None:
    assert judge.kind(frame) is Kind.BARE
    assert judge.kind(labelled(frame)) is Kind.BARE


def test_a_changed_face_counts_as_swapped_only_with_its_label_and_background(judge: Judge, frame: BgrU8) -> None:
    swapped = labelled(with_blue_face(frame))
    assert judge.kind(swapped) is Kind.SWAPPED
    assert judge.kind(with_blue_face(frame)) is Kind.OTHER
    assert judge.kind(swapped[:, ::-1]) is Kind.OTHER


def test_cards_are_told_apart_and_a_face_in_one_is_no_card(judge: Judge, frame: BgrU8) -> None:
    for cause in Cause:
        card = Slates(WIDTH, HEIGHT).card(cause)
        assert judge.kind(card) is Kind(cause)
        torn = card.copy()
        torn[:130] = frame[:130]
        assert judge.kind(torn) is Kind.BARE


@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
def test_a_card_may_give_way_to_the_swapped_face_but_not_to_the_real_one(
    judge: Judge, frame: BgrU8, share: float
) -> None:
    card = Slates(WIDTH, HEIGHT).card(Cause.NO_FACE)

    def mixed(picture: BgrU8) -> BgrU8:
        return np.asarray(cv2.addWeighted(picture, share, card, 1 - share, 0), np.uint8)

    assert judge.kind(mixed(labelled(with_blue_face(frame)))) is Kind.FADING
    assert judge.kind(mixed(with_blue_face(frame))) is Kind.OTHER
    assert judge.kind(mixed(labelled(frame))) in {Kind.BARE, Kind.OTHER}
