"""People are recognised by their photos, now and then, in a thread of its own."""

import gc
import logging
import threading
import weakref

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.tracking.recognition import CHECK_EVERY_NS, KNOWN_FOR_NS, SAME_PERSON, PeopleChooser, Person
from mien_models.types import BgrU8, Face, HeadPose, as_f32

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


def in_use(choose: PeopleChooser, faces: list[int], captured_ns: int) -> dict[int, int]:
    choice = choose(IMAGE, [face(one) for one in faces], captured_ns)
    return dict(zip([one.id for one in choice.faces], choice.roles, strict=True))


def test_each_wears_their_own_face_and_who_shall_wear_none_does_not() -> None:
    choose = PeopleChooser([ANNA, BOB, CLAIRE], Eyes({5: axis(1), 6: axis(2), 7: axis(0)}), waits=True)
    assert in_use(choose, [5, 6, 7], 0) == {5: 1, 7: 0}


def test_a_stranger_wears_nothing() -> None:
    choose = PeopleChooser([ANNA, BOB], Eyes({5: axis(6), 6: axis(0)}), waits=True)
    assert in_use(choose, [5, 6], 0) == {6: 0}


def test_nobody_is_in_two_places_and_the_surer_one_is_taken() -> None:
    like_anna = (0.6 * axis(0) + 0.8 * axis(7)).astype(np.float32)
    assert SAME_PERSON < 0.6
    choose = PeopleChooser([ANNA], Eyes({5: like_anna, 6: axis(0)}), waits=True)
    assert in_use(choose, [5, 6], 0) == {6: 0}


def test_nobody_is_shown_until_a_new_face_has_been_looked_at() -> None:
    eyes = Eyes({5: axis(0), 6: axis(1)})
    choose = PeopleChooser([ANNA, BOB], eyes, waits=False)
    eyes.may_look.clear()
    assert in_use(choose, [5], 0) == {}
    eyes.may_look.set()
    assert wait_for(choose, [5], {5: 0})
    eyes.may_look.clear()
    assert in_use(choose, [5, 6], 2 * FRAME_NS) == {}
    eyes.may_look.set()
    assert wait_for(choose, [5, 6], {5: 0, 6: 1})


def wait_for(choose: PeopleChooser, faces: list[int], expected: dict[int, int]) -> bool:
    pause = threading.Event()
    return any(in_use(choose, faces, 3 * FRAME_NS) == expected or pause.wait(0.01) for _ in range(300))


def test_a_known_face_is_looked_at_once_a_second_and_a_refound_one_at_once() -> None:
    eyes = Eyes({5: axis(0)})
    choose = PeopleChooser([ANNA], eyes, waits=True)
    for index in range(61):
        in_use(choose, [5], index * FRAME_NS)
    assert len(eyes.looks) == 1 + 60 * FRAME_NS // CHECK_EVERY_NS
    in_use(choose, [], 62 * FRAME_NS)
    before = len(eyes.looks)
    in_use(choose, [5], 63 * FRAME_NS)
    assert len(eyes.looks) == before + 1


def test_people_who_change_places_under_one_id_are_told_apart_within_seconds() -> None:
    eyes = Eyes({5: axis(0)})
    choose = PeopleChooser([ANNA, BOB], eyes, waits=True)
    assert in_use(choose, [5], 0) == {5: 0}
    eyes.seen[5] = axis(1)
    found = [in_use(choose, [5], second * CHECK_EVERY_NS) for second in range(1, 4)]
    assert found[-1] == {5: 1}


def test_what_cannot_look_says_so() -> None:
    def broken(image_bgr: BgrU8, face: Face) -> NDArray[np.float32]:
        raise RuntimeError("no network")

    with pytest.raises(RuntimeError, match="no network"):
        in_use(PeopleChooser([ANNA], broken, waits=True), [5], 0)


class FailingEyes(Eyes):
    """Eyes that fail as long as the test wants."""

    fails = True

    def __call__(self, image_bgr: BgrU8, face: Face) -> NDArray[np.float32]:
        vector = super().__call__(image_bgr, face)
        if self.fails:
            raise RuntimeError("the card is out of memory")
        return vector


def looked_on(choose: PeopleChooser, faces: list[int], captured_ns: int) -> dict[int, int]:
    """Give a frame, and wait for the look that it may have begun."""
    found = in_use(choose, faces, captured_ns)
    for thread in threading.enumerate():
        if thread.name == "mien-look":
            thread.join(5)
    return found


def test_a_face_is_recognised_after_a_look_that_failed() -> None:
    eyes = FailingEyes({5: axis(0)})
    choose = PeopleChooser([ANNA], eyes, waits=False)
    assert looked_on(choose, [5], 0) == {}
    eyes.fails = False
    found = [looked_on(choose, [5], index * FRAME_NS) for index in range(1, 30)]
    assert found[0] == {}, "nobody gets a face before they are known"
    assert found[-1] == {5: 0}


def test_looks_that_fail_for_a_minute_stop_no_frame_and_come_less_often(caplog: pytest.LogCaptureFixture) -> None:
    eyes = FailingEyes({5: axis(0)})
    choose = PeopleChooser([ANNA], eyes, waits=False)
    with caplog.at_level(logging.INFO):
        assert all(looked_on(choose, [5], index * FRAME_NS) == {} for index in range(60 * 30))
        assert 8 <= len(eyes.looks) <= 16
        eyes.fails = False
        assert any(looked_on(choose, [5], (60 * 30 + index) * FRAME_NS) == {5: 0} for index in range(9 * 30))
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2, "the failure once, and its end"
    assert "the card is out of memory" in said[0]


def test_who_is_known_stays_known_for_a_while_and_then_nobody_is_shown() -> None:
    eyes = FailingEyes({5: axis(0)})
    choose = PeopleChooser([ANNA], eyes, waits=False)
    eyes.fails = False
    looked_on(choose, [5], 0)
    assert looked_on(choose, [5], FRAME_NS) == {5: 0}
    eyes.fails = True
    found = [looked_on(choose, [5], index * FRAME_NS) for index in range(2, 2 + 30 * 30)]
    assert found[100] == {5: 0}
    assert found[-1] == {}
    assert found.index({}) == pytest.approx(KNOWN_FOR_NS / FRAME_NS, abs=40)


def test_one_face_that_cannot_be_looked_at_does_not_keep_others_from_being_known() -> None:
    class Eyes5(Eyes):
        def __call__(self, image_bgr: BgrU8, face: Face) -> NDArray[np.float32]:
            if face.id == 5:
                raise ValueError("the face is outside of the picture")
            return super().__call__(image_bgr, face)

    choose = PeopleChooser([ANNA], Eyes5({6: axis(0)}), waits=False)
    for index in range(30):
        looked_on(choose, [5, 6], index * FRAME_NS)
    assert looked_on(choose, [6], 31 * FRAME_NS) == {6: 0}


def test_a_look_that_failed_keeps_no_picture() -> None:
    eyes = FailingEyes({5: axis(0)})
    choose = PeopleChooser([ANNA], eyes, waits=False)
    pictures: list[weakref.ref[BgrU8]] = []
    for index in range(20):
        picture = np.zeros((8, 8, 3), np.uint8)
        pictures.append(weakref.ref(picture))
        choose(picture, [face(5)], index * CHECK_EVERY_NS)
        looked_on(choose, [5], index * CHECK_EVERY_NS + 1)
        del picture
    assert len(eyes.looks) > 3
    assert [one for one in pictures if one() is not None] == []
    assert gc.isenabled(), "and not even a round of the collector was needed"


def test_a_look_that_hangs_is_not_joined_by_more_of_them() -> None:
    eyes = Eyes({5: axis(0), 6: axis(0), 7: axis(0)})
    eyes.may_look.clear()
    choose = PeopleChooser([ANNA], eyes, waits=False)
    for index in range(50):
        assert in_use(choose, [5 + index % 3], index * CHECK_EVERY_NS) == {}
    looking = [thread for thread in threading.enumerate() if thread.name == "mien-look"]
    assert len(looking) == 1
    eyes.may_look.set()
    looking[0].join(5)


def test_after_a_cut_everybody_is_looked_at_anew() -> None:
    eyes = Eyes({5: axis(0)})
    choose = PeopleChooser([ANNA, BOB], eyes, waits=True)
    assert in_use(choose, [5], 0) == {5: 0}
    eyes.seen[5] = axis(1)
    choice = choose(IMAGE, [face(5)], FRAME_NS, shot=1)
    assert choice.roles == (1,)
