"""Times of a recording."""

import itertools
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from mien.media.timestamps import Timeline

MS = 1_000_000
BASE = Fraction(1, 90_000)


@given(st.lists(st.tuples(st.integers(0, 10**18), st.integers(0, 10**10)), min_size=1))
def test_times_always_rise_from_zero(stamps: list[tuple[int, int]]) -> None:
    timeline = Timeline(BASE)
    given_pts = [timeline.pts(captured_ns, now_ns) for captured_ns, now_ns in stamps]
    assert given_pts[0] == 0
    assert all(later > earlier for earlier, later in itertools.pairwise(given_pts))


def test_capture_times_are_followed_to_the_tick_however_late_frames_are_written() -> None:
    timeline = Timeline(Fraction(1, 1000))
    written = [0, 90, 91, 200, 260]
    captured = [0, 33, 66, 100, 133]
    shown = [timeline.pts((5000 + c) * MS, w * MS) for c, w in zip(captured, written, strict=True)]
    assert shown == captured


def test_a_card_of_another_clock_takes_the_time_it_was_shown() -> None:
    timeline = Timeline(Fraction(1, 1000))
    stamps = [(0, 1000), (40, 1040), (900_000, 1080), (900_000, 1120), (80, 1160), (120, 1210)]
    assert [timeline.pts(c * MS, w * MS) for c, w in stamps] == [0, 40, 80, 120, 160, 200]


def test_a_frame_that_is_shown_for_long_keeps_the_real_time_after_it() -> None:
    timeline = Timeline(Fraction(1, 1000))
    repeats = [timeline.pts(0, n * 33 * MS) for n in range(100)]
    assert repeats[-1] == 99 * 33
    assert timeline.pts(3310 * MS, 3320 * MS) == 3310
