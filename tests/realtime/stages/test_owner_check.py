"""The check of one's own face: looks that fail say nothing, and a refusal is for every frame."""

import logging
import threading

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.realtime.pipeline.live.live_rig import a_packet

from mien.consent.terms import ConsentError
from mien.stages.consent_check import OwnerCheck, OwnerCheckStage
from mien_models.errors import ModelError
from mien_models.types import BgrU8, Face

S = 1_000_000_000
OWN, OTHER = np.array([1, 0], np.float32), np.array([0, 1], np.float32)


class Looks:
    """Sees whom the test says, or fails."""

    def __init__(self, vector: NDArray[np.float32], *, fails: bool = False) -> None:
        self.vector, self.fails, self.count = vector, fails, 0

    def __call__(self, _image_bgr: BgrU8, _face: Face) -> NDArray[np.float32]:
        self.count += 1
        if self.fails:
            raise ModelError("The card is out of memory.")
        return self.vector


def watched(check: OwnerCheck, picture: BgrU8, face: Face | None, first_s: int, seconds: int) -> None:
    for number in range(first_s * 10, (first_s + seconds) * 10):
        check.check(picture, face, number * S // 10)
        if check.looking is not None:
            check.looking.join(5)


def test_looks_that_fail_are_tried_again_later_and_later_and_say_so_once(
    photo: BgrU8, face: Face, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    died: list[object] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    looks = Looks(OWN, fails=True)
    check = OwnerCheck("Anna", OWN, looks)
    with caplog.at_level(logging.INFO):
        watched(check, photo, face, 0, 60)
        assert died == [], "a thread that dies writes a traceback on the terminal"
        assert 8 <= looks.count <= 16
        looks.fails = False
        watched(check, photo, face, 60, 10)
    said = [record.getMessage() for record in caplog.records]
    assert sum("out of memory" in one for one in said) == 1
    assert "shows the person of 'Anna'" in said[-1]


def test_who_is_somebody_else_is_refused_also_in_frames_without_them(photo: BgrU8, face: Face) -> None:
    check = OwnerCheck("Anna", OWN, Looks(OTHER))
    with pytest.raises(ConsentError, match="somebody else"):
        watched(check, photo, face, 0, 10)
    stage = OwnerCheckStage(check)
    with pytest.raises(ConsentError, match="somebody else"):
        stage(a_packet(chosen=(), swapped=(), composed=False))
    stage.hold(None)
    stage(a_packet(chosen=(), swapped=(), composed=False))
