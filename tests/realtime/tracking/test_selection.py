"""One face is chosen once, and then stayed with."""

import numpy as np
import pytest

from mien.config.choices import ChooseMode
from mien.tracking.selection import Choice, Chooser, make_chooser
from mien_models.types import Face, HeadPose

SECOND_NS = 1_000_000_000
IMAGE = np.zeros((8, 8, 3), np.uint8)


def face(face_id: int, width_px: float, left: float = 0) -> Face:
    box = np.array([left, 0, left + width_px, width_px], np.float32)
    return Face(face_id, box, np.zeros((468, 3), np.float32), HeadPose(0, 0, 0), 1.0)


def ids(choose: Chooser, faces: list[Face], captured_ns: int) -> list[int]:
    choice = choose(IMAGE, faces, captured_ns)
    assert choice.roles == (0,) * len(choice.faces)
    return [face.id for face in choice.faces]


def test_the_largest_is_chosen_and_stays_chosen_when_another_grows_larger() -> None:
    choose = make_chooser(ChooseMode.LARGEST)
    assert ids(choose, [face(0, 90), face(1, 100)], 0) == [1]
    assert ids(choose, [face(0, 300), face(1, 80)], SECOND_NS) == [1]


def test_the_leftmost_is_chosen_and_stays_chosen_when_another_comes_from_the_left() -> None:
    choose = make_chooser(ChooseMode.LEFTMOST)
    assert ids(choose, [face(0, 90, left=300), face(1, 50, left=100)], 0) == [1]
    assert ids(choose, [face(0, 90, left=10), face(1, 50, left=100)], SECOND_NS) == [1]


def test_a_poster_does_not_take_over_while_the_chosen_face_is_waited_for() -> None:
    choose = make_chooser(ChooseMode.LARGEST)
    ids(choose, [face(0, 100), face(1, 90)], 0)
    assert ids(choose, [face(1, 90)], SECOND_NS) == []
    assert ids(choose, [face(0, 50), face(1, 90)], round(1.9 * SECOND_NS)) == [0]
    assert ids(choose, [face(1, 90)], round(3.8 * SECOND_NS)) == []
    assert ids(choose, [face(1, 90)], round(3.9 * SECOND_NS)) == [1]


@pytest.mark.parametrize("mode", [ChooseMode.LARGEST, ChooseMode.LEFTMOST])
def test_nothing_is_chosen_where_nobody_is(mode: ChooseMode) -> None:
    choose = make_chooser(mode)
    assert choose(IMAGE, [], 0) == Choice()
    assert choose(IMAGE, [], 9 * SECOND_NS) == Choice()
    assert ids(choose, [face(7, 50)], 10 * SECOND_NS) == [7]


def test_everybody_is_chosen() -> None:
    assert ids(make_chooser(ChooseMode.ALL), [face(0, 90), face(1, 100)], 0) == [0, 1]


@pytest.mark.parametrize("mode", [ChooseMode.LARGEST, ChooseMode.LEFTMOST])
def test_after_a_cut_nobody_is_waited_for(mode: ChooseMode) -> None:
    choose = make_chooser(mode)
    ids(choose, [face(0, 100)], 0)
    assert choose(IMAGE, [face(1, 90)], 40_000_000, shot=1).faces[0].id == 1
    assert choose(IMAGE, [face(0, 100), face(1, 90)], 80_000_000, shot=2).faces[0].id == 1
    assert choose(IMAGE, [], 120_000_000, shot=3) == Choice()
    assert choose(IMAGE, [face(0, 100)], 160_000_000, shot=3).faces[0].id == 0
