"""Cuts are found, and pans, lamps, people and flashes are none."""

import cv2
import numpy as np
import pytest
from tests.realtime.tracking.film import FRAME_NS, room

from mien.tracking.scan import Shots
from mien_models.types import BgrU8


def shots_of(film: list[BgrU8]) -> list[int]:
    shots = Shots()
    return [shots(picture, index * FRAME_NS) for index, picture in enumerate(film)]


def dark(picture: BgrU8, part: float) -> BgrU8:
    return np.asarray(picture * part, np.uint8)


def barred(picture: BgrU8) -> BgrU8:
    """A film of another shape, black to both sides."""
    boxed = np.zeros_like(picture)
    boxed[:, 220:420] = picture[:, 220:420]
    return boxed


@pytest.mark.parametrize("length", [2, 5, 25])
def test_every_cut_begins_a_shot(length: int) -> None:
    film = [room(number) for number in range(6) for _ in range(length)]
    assert shots_of(film) == [number for number in range(6) for _ in range(length)]


@pytest.mark.parametrize("change", [barred, lambda picture: dark(picture, 0.2), lambda picture: picture[::3, ::3]])  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
def test_dark_barred_and_small_films_have_cuts_too(change: object) -> None:
    assert callable(change)
    assert shots_of([change(room(1))] * 5 + [change(room(2))] * 5) == [0] * 5 + [1] * 5  # pyright: ignore[reportArgumentType]


def test_a_lamp_noise_and_a_moving_person_are_no_cuts() -> None:
    random = np.random.default_rng(0)
    lamp = [dark(room(1), part) for part in (1, 1, 0.5, 0.5, 1)]
    noisy = [np.asarray(np.clip(room(1) + random.normal(0, 12, room(1).shape), 0, 255), np.uint8) for _ in range(5)]
    person = []
    for step in range(20):
        picture = room(1).copy()
        cv2.ellipse(picture, (60 + 12 * step, 220), (60, 140), 0, 0, 360, (120, 150, 210), -1)
        person.append(picture)
    for film in (lamp, noisy, person):
        assert set(shots_of(film)) == {0}


def test_a_pan_that_has_begun_is_no_cut() -> None:
    wide = np.concatenate([room(seed) for seed in range(4)], axis=1)
    for speed_px in (8, 20, 40):
        pan = shots_of([wide[:, left : left + 640] for left in range(0, 1800, speed_px)])
        assert len(set(pan[3:])) == 1


def test_a_shot_goes_on_after_a_flash_and_after_a_look_at_somebody_else() -> None:
    white = np.full_like(room(1), 255)
    assert shots_of([room(1)] * 5 + [white] * 2 + [room(1)] * 5) == [0] * 5 + [1] * 2 + [0] * 5
    assert shots_of(([room(1)] * 3 + [room(2)] * 3) * 3) == [0, 0, 0, 1, 1, 1] * 3


def test_a_shot_that_was_left_long_ago_is_another_one() -> None:
    assert shots_of([room(1)] * 3 + [room(2)] * 60 + [room(1)] * 3) == [0] * 3 + [1] * 60 + [2] * 3


def test_a_black_picture_has_nothing_to_compare() -> None:
    assert shots_of([np.zeros((9, 16, 3), np.uint8)] * 4) == [0] * 4
