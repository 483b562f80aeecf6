"""The largest face is chosen once, and then stayed with."""

import numpy as np
import pytest

from mien.follow.choose import ChooseMode, StickyLargest, make_chooser
from mien_models.faces import Face, HeadPose

SECOND_NS = 1_000_000_000


def face(face_id: int, width_px: float) -> Face:
    box = np.array([0, 0, width_px, width_px], np.float32)
    return Face(face_id, box, np.zeros((468, 3), np.float32), HeadPose(0, 0, 0), 1.0)


def ids(faces: tuple[Face, ...]) -> list[int]:
    return [face.id for face in faces]


def test_the_largest_is_chosen_and_stays_chosen_when_another_grows_larger() -> None:
    choose = StickyLargest()
    assert ids(choose([face(0, 90), face(1, 100)], 0)) == [1]
    assert ids(choose([face(0, 300), face(1, 80)], SECOND_NS)) == [1]


def test_a_poster_does_not_take_over_while_the_chosen_face_is_waited_for() -> None:
    choose = StickyLargest(patience_s=2.0)
    choose([face(0, 100), face(1, 90)], 0)
    assert choose([face(1, 90)], SECOND_NS) == ()
    assert ids(choose([face(0, 50), face(1, 90)], round(1.9 * SECOND_NS))) == [0]
    assert choose([face(1, 90)], round(3.8 * SECOND_NS)) == ()
    assert ids(choose([face(1, 90)], round(3.9 * SECOND_NS))) == [1]


def test_nothing_is_chosen_where_nobody_is() -> None:
    choose = StickyLargest()
    assert choose([], 0) == ()
    assert choose([], 9 * SECOND_NS) == ()
    assert ids(choose([face(7, 50)], 10 * SECOND_NS)) == [7]


@pytest.mark.parametrize(("mode", "expected"), [(ChooseMode.ALL, [0, 1]), (ChooseMode.LARGEST, [1])])
def test_every_mode_has_its_chooser(mode: ChooseMode, expected: list[int]) -> None:
    assert ids(make_chooser(mode)([face(0, 90), face(1, 100)], 0)) == expected
