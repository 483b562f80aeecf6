"""Nobody waits for a face that does not come back, and nobody else is taken while one does."""

import numpy as np

from mien.tracking.selection import Choice, ForesightedOne, leftness_of, width_of
from mien_models.types import Face, HeadPose

FRAME_NS = 40_000_000


def face(face_id: int, width_px: float) -> Face:
    box = np.array([10 * face_id, 0, 10 * face_id + width_px, width_px], np.float32)
    return Face(face_id, box, np.zeros((468, 3), np.float32), HeadPose(0, 0, 0), 1.0)


class Film:
    """Shows frames, each with faces of some widths, and keeps what was chosen."""

    def __init__(self, choose: ForesightedOne | None = None) -> None:
        self.choose = choose or ForesightedOne(width_of)
        self.chosen: list[int | None] = []
        self.longest_wait = 0
        self._shown = 0

    def show(self, times: int, shot: int, **widths: float) -> None:
        faces = [face("abcdefgh".index(name), width) for name, width in widths.items()]
        for _ in range(times):
            self._take(self.choose.see(faces, self._shown * FRAME_NS, shot))
            self._shown += 1
            self.longest_wait = max(self.longest_wait, self._shown - len(self.chosen))

    def end(self) -> list[int | None]:
        self._take(self.choose.hurry())
        assert len(self.chosen) == self._shown
        return self.chosen

    def _take(self, choices: tuple[Choice, ...]) -> None:
        for choice in choices:
            assert choice.roles == (0,) * len(choice.faces)
            self.chosen += [found.id for found in choice.faces] or [None]


def test_the_largest_is_chosen_at_once_and_stays_chosen() -> None:
    film = Film()
    film.show(3, 0, a=90, b=100)
    film.show(3, 0, a=300, b=80)
    assert film.longest_wait == 0
    assert film.end() == [1] * 6


def test_the_leftmost_is_chosen_where_that_is_wanted() -> None:
    film = Film(ForesightedOne(leftness_of))
    film.show(2, 0, b=50, a=50)
    assert film.end() == [0] * 2


def test_a_poster_stays_a_poster_while_the_chosen_face_looks_away() -> None:
    film = Film()
    film.show(3, 0, a=200, b=60)
    film.show(40, 0, b=60)
    film.show(3, 0, a=200, b=60)
    assert film.end() == [0] * 3 + [None] * 40 + [0] * 3


def test_whoever_is_left_is_chosen_from_the_first_frame_when_the_chosen_face_does_not_come_back() -> None:
    film = Film()
    film.show(3, 0, a=200, b=60)
    film.show(80, 0, b=60)
    assert film.longest_wait <= 50
    assert film.end() == [0] * 3 + [1] * 80


def test_at_the_end_of_the_film_nobody_comes_back() -> None:
    film = Film()
    film.show(3, 0, a=200, b=60)
    film.show(5, 0, b=60)
    assert film.end() == [0] * 3 + [1] * 5


def test_after_a_cut_the_best_of_the_new_shot_is_chosen_at_once() -> None:
    film = Film()
    film.show(3, 0, a=200)
    film.show(3, 1, b=60, c=100)
    film.show(2, 1)
    film.show(3, 2, d=80)
    assert film.longest_wait == 0
    assert film.end() == [0] * 3 + [2] * 3 + [None] * 2 + [3] * 3


def test_a_face_that_is_only_seen_again_after_a_cut_is_not_waited_for() -> None:
    film = Film()
    film.show(3, 0, a=200, b=60)
    film.show(5, 0, b=60)
    film.show(5, 1, c=90)
    film.show(5, 0, a=200, b=60)
    assert film.end() == [0] * 3 + [1] * 5 + [2] * 5 + [0] * 5


def test_a_stand_in_gives_way_to_a_better_face_that_comes_later_and_not_to_one_that_was_there() -> None:
    film = Film()
    film.show(2, 0, a=200, b=60, c=40)
    film.show(60, 0, b=60, c=40)
    film.show(2, 0, b=60, c=90)
    film.show(3, 0, b=60, c=90, d=150)
    assert film.end() == [0] * 2 + [1] * 62 + [3] * 3


def test_frames_without_a_face_wait_for_nothing() -> None:
    film = Film()
    film.show(2, 0, a=90)
    film.show(100, 0)
    assert film.longest_wait == 0
    assert film.end() == [0] * 2 + [None] * 100
