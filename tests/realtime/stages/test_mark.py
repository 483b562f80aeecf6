import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.packet import FramePacket
from mien.stages.mark import LabelStage
from mien_models.arrays import BgrU8
from mien_models.faces import SwappedFace


def a_swapped_packet(height: int, width: int, grey: int) -> FramePacket:
    picture = np.full((height, width, 3), grey, np.uint8)
    face = SwappedFace(1, np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint8), np.eye(2, 3))
    return FramePacket(picture, 0, 0, swapped=(face,), composed=picture.copy())


def labelled(height: int, width: int, grey: int) -> BgrU8:
    composed = LabelStage()(a_swapped_packet(height, width, grey)).composed
    assert composed is not None
    return composed


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize(("width", "height"), [(640, 360), (1280, 720), (1920, 1080), (720, 1280)])
def test_the_letters_are_white_tall_and_at_the_top_right_of_any_background(width: int, height: int, grey: int) -> None:
    rows, columns = np.nonzero((labelled(height, width, 255) < 255).any(axis=2))
    assert rows.max() < height * 0.15
    assert columns.min() > width * 0.1
    assert columns.max() > width * 0.95
    plate = labelled(height, width, grey)[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1, 0]
    letter_rows = np.nonzero((plate > 240).any(axis=1))[0]
    assert letter_rows.max() - letter_rows.min() + 1 >= 0.05 * min(width, height)
    assert np.percentile(plate, 40) <= 0.4 * 255


def test_the_rest_of_the_picture_is_untouched() -> None:
    picture = labelled(720, 1280, 77)
    assert (picture[100:] == 77).all()
    assert (picture[:, :800] == 77).all()


def test_only_a_swapped_frame_is_labelled() -> None:
    packet = dataclasses.replace(a_swapped_packet(360, 640, 9), swapped=())
    composed = LabelStage()(packet).composed
    assert composed is not None
    assert (composed == 9).all()


def test_a_frame_that_changes_size_midway_gets_a_label_of_its_own() -> None:
    stage = LabelStage()
    for height, width in ((720, 1280), (360, 640), (720, 1280)):
        composed = stage(a_swapped_packet(height, width, 200)).composed
        assert composed is not None
        assert (composed == labelled(height, width, 200)).all()


@given(st.integers(1, 80), st.integers(1, 80))
def test_a_frame_of_any_size_survives(height: int, width: int) -> None:
    assert labelled(height, width, 50).shape == (height, width, 3)
