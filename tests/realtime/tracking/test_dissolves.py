"""Dissolves are found with their shares, whatever their length; cuts, pans, lamps, flashes and people are none."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import pytest
from tests.realtime.tracking.film import room

from mien.tracking.dissolves import SEEN_PX, Dissolves
from mien.tracking.scan import Glance
from mien_models.types import BgrU8

BLACK: BgrU8 = np.zeros_like(room(1))


def glance_of(picture: BgrU8) -> Glance:
    return Glance(np.asarray(cv2.resize(picture, SEEN_PX, interpolation=cv2.INTER_AREA), np.float32))


def shares_of(film: Sequence[BgrU8]) -> list[float | None]:
    dissolves = Dissolves()
    said = [share for picture in film for share in dissolves.take(glance_of(picture))]
    return [*said, *dissolves.rest()]


def mixed(before: BgrU8, after: BgrU8, share: float) -> BgrU8:
    return np.asarray(np.rint(before * (1 - share) + after * share), np.uint8)


def walking(seed: int, step: int) -> BgrU8:
    """A room in which somebody crosses over."""
    picture = room(seed).copy()
    cv2.ellipse(picture, (60 + 5 * step, 220), (50, 120), 0, 0, 360, (120, 150, 210), -1)
    return picture


@pytest.mark.parametrize(
    ("length", "moves"),
    [(1, False), (2, False), (8, True), (12, True), (20, True), (30, False), (30, True), (75, False)],
)
def test_a_dissolve_is_found_with_its_shares(length: int, moves: bool) -> None:
    lead = 10
    film: list[BgrU8] = []
    wanted: list[float | None] = []
    for index in range(2 * lead + length):
        share = min(max((index - lead + 1) / (length + 1), 0.0), 1.0)
        before, after = (walking(1, index // 2), walking(2, 90 - index // 2)) if moves else (room(1), room(2))
        film.append(mixed(before, after, share))
        wanted.append(share if 0.2 < share < 0.8 else None)
    found = shares_of(film)
    assert len(found) == len(film)
    for index, share in enumerate(wanted):
        if share is not None:
            assert found[index] == pytest.approx(share, abs=0.1)
        elif not lead - 2 <= index < lead + length + 2:
            assert found[index] is None


@pytest.mark.parametrize("film_shots", [(BLACK, room(2)), (room(1), BLACK), (room(1), np.full_like(BLACK, 255))])
def test_a_fade_out_of_black_or_into_white_is_one_too(film_shots: tuple[BgrU8, BgrU8]) -> None:
    before, after = film_shots
    shares = shares_of([before] * 5 + [mixed(before, after, (n + 1) / 13) for n in range(12)] + [after] * 5)
    assert None not in shares[6:16]
    assert shares[:5] + shares[-5:] == [None] * 10


def test_two_dissolves_with_one_frame_between_them_are_two() -> None:
    rooms = [room(seed) for seed in (1, 2, 3)]
    film = [mixed(one, other, n / 10) for one, other in pairwise(rooms) for n in range(10)] + [rooms[-1]] * 3
    shares = shares_of(film)
    assert shares[0] is None
    assert shares[10] is None
    for part in (shares[1:10], shares[11:20]):
        assert part == pytest.approx([n / 10 for n in range(1, 10)], abs=0.05)


def test_cuts_pans_lamps_flashes_and_people_are_no_dissolves() -> None:
    random = np.random.default_rng(0)
    wide = np.concatenate([room(seed) for seed in range(4)], axis=1)
    white = np.full_like(BLACK, 255)
    films = {
        "cuts": [room(number) for number in range(8) for _ in range(7)],
        "cuts beside something that moves": [walking(number, step) for number in range(4) for step in range(12)],
        "a slow pan": [wide[:, left : left + 640] for left in range(0, 1200, 8)],
        "a fast pan": [wide[:, left : left + 640] for left in range(0, 1900, 40)],
        "a lamp": [np.asarray(room(1) * (1 - n / 40), np.uint8) for n in range(25)],
        "flashes": ([room(1)] * 5 + [white] * 2) * 4,
        "somebody": [walking(1, step) for step in range(100)],
        "noise": [
            np.asarray(np.clip(room(1) + random.normal(0, 12, BLACK.shape), 0, 255), np.uint8) for _ in range(20)
        ],
    }
    assert {name: set(shares_of(film)) for name, film in films.items()} == {name: {None} for name in films}
