"""What is found about one face's right says nothing of the next face, and keeps no frame."""

import threading
import weakref
from typing import cast

import numpy as np
import pytest

from mien.consent.face_library import LibraryError
from mien.consent.terms import ConsentError
from mien.stages.consent_check import Permit, Permits
from mien_models.types import BgrU8


class Right:
    """A right that ends when the test says so."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.looks = 0

    def check(self) -> None:
        self.looks += 1
        if self.error is not None:
            # A copy: a test's own error would keep what the code under test must not.
            raise type(self.error)(str(self.error))

    @property
    def permit(self) -> Permit:
        return cast("Permit", self)


class SlowRight(Right):
    """A right that is looked at for as long as the test wants."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(error)
        self.is_looked_at, self.may_end = threading.Event(), threading.Event()

    def check(self) -> None:
        self.is_looked_at.set()
        assert self.may_end.wait(5)
        super().check()


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_an_old_right_that_ends_while_another_face_is_put_on_does_not_end_that() -> None:
    old, new = SlowRight(ConsentError("The old one was removed.")), Right()
    permits = Permits([old.permit])
    found: list[ConsentError | None] = []

    def check_one_frame() -> None:
        try:
            permits.check()
            found.append(None)
        except ConsentError as error:
            found.append(error)

    checking = threading.Thread(target=check_one_frame)
    checking.start()
    assert old.is_looked_at.wait(5)
    permits.hold([new.permit])
    old.may_end.set()
    checking.join(5)
    assert found == [None], "what was found was about a face that is not used any more"
    permits.check()
    assert new.looks >= 1


def test_a_new_right_that_has_ended_is_seen_although_the_old_one_was_just_looked_at() -> None:
    permits = Permits([Right().permit])
    permits.check()
    permits.hold([Right(ConsentError("The new one was removed.")).permit])
    with pytest.raises(ConsentError, match="The new one"):
        permits.check()


def test_what_has_ended_keeps_none_of_the_frames_that_are_refused() -> None:
    permits = Permits([Right(ConsentError("It was removed.")).permit])
    frames: list[weakref.ref[BgrU8]] = []

    def stage(frame: BgrU8) -> None:
        frames.append(weakref.ref(frame))
        permits.check()

    refused = 0
    for _ in range(20):
        try:
            stage(np.zeros((2, 2, 3), np.uint8))
        except ConsentError:
            refused += 1
    assert refused == 20
    assert [one for one in frames if one() is not None] == []


def test_a_right_that_cannot_be_read_lets_no_frame_through_and_may_come_back() -> None:
    right, clock = Right(LibraryError("The disk does not answer.")), Clock()
    permits = Permits([right.permit], clock)
    for index in range(30 * 30):
        clock.now_s = index / 30
        with pytest.raises(LibraryError):
            permits.check()
    assert 4 <= right.looks <= 8, "it is asked less and less often"
    right.error = None
    clock.now_s += 9
    permits.check()
    right.error = ConsentError("It was removed.")
    clock.now_s += 1.1
    with pytest.raises(ConsentError):
        permits.check()
    right.error = None
    clock.now_s += 100
    with pytest.raises(ConsentError):
        permits.check()
