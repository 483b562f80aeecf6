"""People are recognised by their photos, now and then, in a thread of its own."""

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.follow.people import CHECK_EVERY_NS, SAME_PERSON, PeopleChooser, Person
from mien_models.arrays import BgrU8, as_f32
from mien_models.faces import Face, HeadPose

FRAME_NS = 33_333_333
IMAGE = np.zeros((8, 8, 3), np.uint8)


def axis(index: int) -> NDArray[np.float32]:
    return as_f32(np.eye(8)[index])


ANNA, BOB, CLAIRE = (
    Person("anna.jpg", axis(0), 0),
    Person("bob.jpg", axis(1), 1),
    Person("claire.jpg", axis(2), None),
)


def face(face_id: int) -> Face:
    box = np.array([0, 0, 90, 90], np.float32)
    return Face(face_id, box, np.zeros((468, 3), np.float32), HeadPose(0, 0, 0), 1.0)


class Eyes:
    """Sees in each face what the test says; counts its looks."""

    def __init__(self, seen: dict[int, NDArray[np.float32]]) -> None:
        self.seen = seen
        self.looks: list[int] = []
        self.may_look = threading.Event()
        self.may_look.set()

    def __call__(self, image_bgr: BgrU8, face: Face) -> NDArray[np.float32]:  # noqa: ARG002
        assert self.may_look.wait(5)
        self.looks.append(face.id)
        return self.seen[face.id]


def worn(choose: PeopleChooser, faces: list[int], captured_ns: int) -> dict[int, int]:
    choice = choose(IMAGE, [face(one) for one in faces], captured_ns)
    return dict(zip([one.id for one in choice.faces], choice.roles, strict=True))


def test_each_wears_their_own_face_and_who_shall_wear_none_does_not() -> None:
    choose = PeopleChooser([ANNA, BOB, CLAIRE], Eyes({5: axis(1), 6: axis(2), 7: axis(0)}), waits=True)
    assert worn(choose, [5, 6, 7], 0) == {5: 1, 7: 0}


def test_a_stranger_wears_nothing() -> None:
    choose = PeopleChooser([ANNA, BOB], Eyes({5: axis(6), 6: axis(0)}), waits=True)
    assert worn(choose, [5, 6], 0) == {6: 0}


def test_nobody_is_in_two_places_and_the_surer_one_is_taken() -> None:
    like_anna = (0.6 * axis(0) + 0.8 * axis(7)).astype(np.float32)
    assert SAME_PERSON < 0.6
    choose = PeopleChooser([ANNA], Eyes({5: like_anna, 6: axis(0)}), waits=True)
    assert worn(choose, [5, 6], 0) == {6: 0}


def test_nobody_is_shown_until_a_new_face_has_been_looked_at() -> None:
    eyes = Eyes({5: axis(0), 6: axis(1)})
    choose = PeopleChooser([ANNA, BOB], eyes, waits=False)
    eyes.may_look.clear()
    assert worn(choose, [5], 0) == {}
    eyes.may_look.set()
    assert wait_for(choose, [5], {5: 0})
    eyes.may_look.clear()
    assert worn(choose, [5, 6], 2 * FRAME_NS) == {}
    eyes.may_look.set()
    assert wait_for(choose, [5, 6], {5: 0, 6: 1})


def wait_for(choose: PeopleChooser, faces: list[int], expected: dict[int, int]) -> bool:
    pause = threading.Event()
    return any(worn(choose, faces, 3 * FRAME_NS) == expected or pause.wait(0.01) for _ in range(300))


def test_a_known_face_is_looked_at_once_a_second_and_a_refound_one_at_once() -> None:
    eyes = Eyes({5: axis(0)})
    choose = PeopleChooser([ANNA], eyes, waits=True)
    for index in range(61):
        worn(choose, [5], index * FRAME_NS)
    assert len(eyes.looks) == 1 + 60 * FRAME_NS // CHECK_EVERY_NS
    worn(choose, [], 62 * FRAME_NS)
    before = len(eyes.looks)
    worn(choose, [5], 63 * FRAME_NS)
    assert len(eyes.looks) == before + 1


def test_people_who_change_places_under_one_id_are_told_apart_within_seconds() -> None:
    eyes = Eyes({5: axis(0)})
    choose = PeopleChooser([ANNA, BOB], eyes, waits=True)
    assert worn(choose, [5], 0) == {5: 0}
    eyes.seen[5] = axis(1)
    found = [worn(choose, [5], second * CHECK_EVERY_NS) for second in range(1, 4)]
    assert found[-1] == {5: 1}


def test_what_cannot_look_says_so() -> None:
    def broken(image_bgr: BgrU8, face: Face) -> NDArray[np.float32]:
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError, match="no network"):
        worn(PeopleChooser([ANNA], broken, waits=True), [5], 0)


def test_after_a_cut_everybody_is_looked_at_anew() -> None:
    eyes = Eyes({5: axis(0)})
    choose = PeopleChooser([ANNA, BOB], eyes, waits=True)
    assert worn(choose, [5], 0) == {5: 0}
    eyes.seen[5] = axis(1)
    choice = choose(IMAGE, [face(5)], FRAME_NS, shot=1)
    assert choice.roles == (1,)
