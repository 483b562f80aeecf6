"""A picture of any size fits a fixed one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mien.media.letterbox import letterbox

SIDES = st.integers(1, 300)


def test_a_picture_of_the_right_size_is_not_copied() -> None:
    picture = np.zeros((480, 640, 3), np.uint8)
    assert letterbox(picture, 640, 480) is picture


@given(width=SIDES, height=SIDES, outer=st.sampled_from([(64, 36), (36, 64), (2, 2), (320, 180)]))
def test_the_aspect_is_kept_and_the_rest_is_black_at_even_places(
    width: int, height: int, outer: tuple[int, int]
) -> None:
    white = np.full((height, width, 3), 255, np.uint8)
    boxed = letterbox(white, *outer)
    assert boxed.shape == (outer[1], outer[0], 3)
    rows, columns = (np.flatnonzero(boxed[..., 0].max(axis=axis)) for axis in (1, 0))
    inner = boxed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert (inner == 255).all()
    assert all(length % 2 == 0 for length in (*inner.shape[:2], rows[0], columns[0]))
    scale = min(outer[0] / width, outer[1] / height)
    assert abs(inner.shape[1] - width * scale) <= max(1, 2 - width * scale) + 1e-9
    assert abs(inner.shape[0] - height * scale) <= max(1, 2 - height * scale) + 1e-9


def test_the_bars_are_equal_within_two_pixels() -> None:
    boxed = letterbox(np.full((480, 640, 3), 255, np.uint8), 1280, 720)
    columns = np.flatnonzero(boxed[360, :, 0])
    assert abs(columns[0] - (1279 - columns[-1])) <= 2
