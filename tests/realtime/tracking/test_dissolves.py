"""Dissolves between two shots are found from their first mixed frame to their last; people, pans and cuts are none."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from tests.realtime.tracking.film import room

from mien.tracking.dissolves import Dissolves
from mien.tracking.scan import Glance
from mien_models.types import BgrU8

ALONE = 20


def shares_of(film: Sequence[BgrU8]) -> list[float | None]:
    dissolves = Dissolves()
    said = [share for picture in film for share in dissolves.take(Glance.of(picture))]
    return [*said, *dissolves.rest()]


def somebody(seed: int, step: int) -> BgrU8:
    """A room in which somebody moves."""
    picture = room(seed).copy()
    middle = (200 + 40 * seed + round(8 * np.sin(step / 5)), 220)
    cv2.ellipse(picture, middle, (60, 140), 0, 0, 360, (120, 150, 210), -1)
    return picture


def faded(length: int) -> list[BgrU8]:
    """One shot, which becomes another one in `length` frames of both."""
    film = [somebody(1, step) for step in range(ALONE)]
    for step in range(1, length + 1):
        share = step / (length + 1)
        mixed = cv2.addWeighted(somebody(1, ALONE + step), 1 - share, somebody(2, ALONE + step), share, 0)
        film.append(np.asarray(mixed, np.uint8))
    return film + [somebody(2, ALONE + length + step) for step in range(ALONE)]


@pytest.mark.parametrize("length", [3, 8, 12, 20, 30, 75])
def test_every_frame_that_shows_two_shots_is_told_with_its_share(length: int) -> None:
    said = shares_of(faded(length))
    assert len(said) == 2 * ALONE + length
    true = [0.0] * ALONE + [step / (length + 1) for step in range(1, length + 1)] + [1.0] * ALONE
    for share, meant in zip(said, true, strict=True):
        if 0.08 < meant < 0.92:
            assert share == pytest.approx(meant, abs=0.05)
        elif meant in {0.0, 1.0}:
            assert share is None


def test_a_fade_between_three_shots_is_two_dissolves() -> None:
    there, back = faded(12), faded(12)[::-1]
    said = shares_of(there + back)
    found = [index for index, share in enumerate(said) if share is not None]
    assert {*range(ALONE, ALONE + 12), *range(len(there) + ALONE, len(there) + ALONE + 12)} == set(found)


@pytest.mark.parametrize("kind", ["cuts", "a pan", "somebody moves", "a lamp"])
def test_what_is_no_dissolve_is_left_alone(kind: str) -> None:
    wide = np.concatenate([room(seed) for seed in range(4)], axis=1)
    films: dict[str, list[BgrU8]] = {
        "cuts": [room(seed) for seed in range(5) for _ in range(9)],
        "a pan": [wide[:, left : left + 640] for left in range(0, 1900, 24)],
        "somebody moves": [somebody(1, step) for step in range(80)],
        "a lamp": [np.asarray(room(1) * part, np.uint8) for part in np.linspace(1, 0.4, 40)],
    }
    assert set(shares_of(films[kind])) == {None}
