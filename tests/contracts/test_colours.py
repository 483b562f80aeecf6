"""Every colour method there is: it fits skin to skin and stays within its bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.stages.colour import COLOURS, GAIN_RANGE, SkinStatistics, apply, statistics

FITTING = [name for name in COLOURS.names() if name != "none"]


def skin(seed: int, mean: tuple[int, int, int], spread: float) -> NDArray[np.uint8]:
    """Skin-like pixels, (n, 1, 3): channels that vary mostly together."""
    random = np.random.default_rng(seed)
    together = random.normal(0, spread, (3000, 1, 1))
    apart = random.normal(0, spread / 4, (3000, 1, 3))
    return np.clip(np.array(mean) + together + apart, 0, 255).astype(np.uint8)


means = st.tuples(st.integers(60, 190), st.integers(60, 190), st.integers(60, 190))


@pytest.mark.parametrize("name", COLOURS.names())
@settings(max_examples=20, deadline=None)
@given(mean=means, spread=st.floats(4, 20))
def test_skin_that_fits_already_stays_as_it_is(name: str, mean: tuple[int, int, int], spread: float) -> None:
    pixels = skin(0, mean, spread)
    measured = statistics(pixels)
    changed = apply(COLOURS.load(name).method(measured, measured), pixels)
    # CIE L*a*b* in 8 bits is coarser than the picture: up to eight levels there and back in dark saturated colours.
    tolerance = 9 if name == "reinhard_lab" else 1
    assert np.abs(changed.astype(int) - pixels).max() <= tolerance


@pytest.mark.parametrize("name", FITTING)
@settings(max_examples=20, deadline=None)
@given(mean=means, target=means, spread=st.floats(6, 14), target_spread=st.floats(6, 14))
def test_skin_takes_the_mean_of_the_frame(
    name: str, mean: tuple[int, int, int], target: tuple[int, int, int], spread: float, target_spread: float
) -> None:
    crop, frame = skin(1, mean, spread), skin(2, target, target_spread)
    changed = apply(COLOURS.load(name).method(statistics(crop), statistics(frame)), crop)
    before = np.abs(statistics(crop).mean_bgr - statistics(frame).mean_bgr)
    after = np.abs(statistics(changed).mean_bgr - statistics(frame).mean_bgr)
    assert (after <= np.maximum(6.0, 0.2 * before)).all()


@pytest.mark.parametrize("name", COLOURS.names())
@settings(max_examples=20, deadline=None)
@given(spread=st.floats(0.5, 40), target_spread=st.floats(0.5, 40))
def test_no_frame_can_burn_a_face(name: str, spread: float, target_spread: float) -> None:
    crop, frame = statistics(skin(3, (120, 130, 140), spread)), statistics(skin(4, (90, 110, 160), target_spread))
    fitted = COLOURS.load(name).method(crop, frame)
    if fitted.matrix is not None:
        gains = np.linalg.svd(fitted.matrix[:, :3], compute_uv=False)
        assert gains.max() <= max(1.0, GAIN_RANGE[1]) + 1e-6
        assert gains.min() >= GAIN_RANGE[0] - 1e-6
    if fitted.table is not None:
        assert np.diff(fitted.table.astype(int), axis=0).min() >= 0
        assert np.diff(fitted.table.astype(int), axis=0).max() <= 2


@pytest.mark.parametrize("name", COLOURS.names())
def test_a_method_is_pure_and_keeps_shape_and_type(name: str) -> None:
    pixels = skin(5, (100, 120, 150), 12)
    kept = pixels.copy()
    crop, frame = statistics(pixels), statistics(skin(6, (60, 80, 120), 9))
    first, second = COLOURS.load(name).method(crop, frame), COLOURS.load(name).method(crop, frame)
    picture = pixels.reshape(50, 60, 3)
    assert apply(first, picture).shape == picture.shape
    assert apply(first, picture).dtype == np.uint8
    np.testing.assert_array_equal(apply(first, picture), apply(second, picture))
    np.testing.assert_array_equal(pixels, kept)


def test_statistics_are_those_of_the_pixels() -> None:
    pixels = skin(7, (100, 120, 150), 12)
    measured: SkinStatistics = statistics(pixels)
    np.testing.assert_allclose(measured.mean_bgr, pixels.mean(axis=(0, 1)))
    np.testing.assert_allclose(measured.histogram_bgr.sum(axis=1), 1)
