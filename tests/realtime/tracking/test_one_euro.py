"""A resting face is still, a moving one is not held back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.tracking.landmark_filter import OneEuro
from mien.tracking.settings import OneEuroSettings

FRAME_NS = 33_333_333
SIZE_PX = 200.0


def smoothed(points: NDArray[np.float32], *, size_px: float = SIZE_PX, frame_ns: int = FRAME_NS) -> NDArray[np.float32]:
    smooth = OneEuro(OneEuroSettings())
    return np.stack([smooth(p, size_px, i * frame_ns) for i, p in enumerate(points)])


def test_a_resting_face_jitters_at_most_a_third_of_what_the_network_does() -> None:
    noise = np.random.default_rng(5).normal(0, 0.15, (90, 468, 3)).astype(np.float32)
    calm = smoothed(300 + noise)[30:]
    assert np.diff(calm, axis=0).std() < np.diff(noise[30:], axis=0).std() / 3


@pytest.mark.parametrize("widths_per_s", [1.0, 3.0])
def test_a_fast_head_is_followed_within_a_tenth_of_a_frame(widths_per_s: float) -> None:
    speed = widths_per_s * SIZE_PX / 30
    moving = (np.arange(60, dtype=np.float32) * speed)[:, None, None] * np.ones((1, 468, 3), np.float32)
    lag_frames = (moving - smoothed(moving))[20:].mean() / speed
    assert 0 <= lag_frames < 0.1


@given(scale=st.floats(0.1, 10))
def test_a_face_far_away_is_smoothed_like_one_near_by(scale: float) -> None:
    path = np.random.default_rng(1).normal(0, 3, (20, 5, 3)).cumsum(axis=0).astype(np.float32)
    near, far = smoothed(path), smoothed(path * np.float32(scale), size_px=SIZE_PX * scale)
    np.testing.assert_allclose(far, near * scale, rtol=1e-3, atol=1e-2 * scale)


def test_after_time_that_does_not_go_on_points_are_taken_as_they_are() -> None:
    smooth = OneEuro(OneEuroSettings())
    first, second = np.zeros((4, 3), np.float32), np.full((4, 3), 9, np.float32)
    smooth(first, SIZE_PX, FRAME_NS)
    np.testing.assert_array_equal(smooth(second, SIZE_PX, FRAME_NS), second)
