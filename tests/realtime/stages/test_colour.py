"""A change of light is followed at once, a change of what is in sight slowly."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien.stages.colour import COLOURS, ColourStage, light_change, relit, statistics
from mien_models.types import BgrU8, Face, HeadPose, SwappedFace

FRAME_NS: Final = 33_333_333
SIDE: Final = 96
METHODS = [name for name in COLOURS.names() if name != "none"]


def skin(mean: tuple[int, int, int], seed: int) -> NDArray[np.float64]:
    """A square of skin, brighter on one side."""
    random = np.random.default_rng(seed)
    slope = np.linspace(-15, 15, SIDE)[None, :, None]
    return np.array(mean) + slope + random.normal(0, 2, (SIDE, SIDE, 3))


def levels(values: NDArray[np.float64]) -> BgrU8:
    return np.clip(values, 0, 255).astype(np.uint8)


def frame_of(index: int, frame: BgrU8, crop: BgrU8) -> Frame:
    box = np.array([0, 0, SIDE, SIDE], np.float32)
    face = Face(1, box, np.zeros((468, 3), np.float32), HeadPose(0.0, 0.0, 0.0), 1.0)
    alpha = np.full((SIDE, SIDE), 255, np.uint8)
    swapped = SwappedFace(1, crop, alpha, np.array([[1.0, 0, 0], [0, 1, 0]]))
    return Frame(frame, index, index * FRAME_NS, faces=(face,), chosen=(face,), swapped=(swapped,))


def tones(method: str, frames: Sequence[BgrU8]) -> NDArray[np.float64]:
    """Recolour the same crop for each frame: (n, 3) its mean colour."""
    stage, crop = ColourStage(COLOURS.load(method).method), levels(skin((90, 110, 150), 1))
    done = [stage(frame_of(index, frame, crop)).swapped[0].crop_bgr for index, frame in enumerate(frames)]
    return np.stack([image.mean(axis=(0, 1)) for image in done])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("gains", [(0.6, 0.6, 0.6), (1.25, 1.25, 1.25), (0.7, 0.9, 1.15)])
def test_a_lamp_is_followed_within_a_frame(method: str, gains: tuple[float, float, float]) -> None:
    background = skin((100, 120, 140), 2)
    frames = [levels(background)] * 10 + [levels(background * gains)] * 60
    seen = tones(method, frames)
    step = np.linalg.norm(seen[-1] - seen[9])
    assert np.linalg.norm(seen[10:] - seen[-1], axis=1).max() < 0.15 * step


def test_a_hand_before_the_face_changes_the_tone_slowly() -> None:
    background, covered = skin((100, 120, 140), 2), skin((100, 120, 140), 2)
    covered[: int(0.4 * SIDE)] = (40, 45, 60)
    frames = [levels(background)] * 10 + [levels(covered)] * 3 + [levels(background)] * 20
    seen = tones("mkl", frames)
    assert np.abs(seen[10:] - seen[9]).max() < 0.3 * (120 - 45) * 0.4
    assert np.abs(seen[-1] - seen[9]).max() < 3


def test_noise_is_no_change_of_light() -> None:
    random = np.random.default_rng(4)
    background = skin((100, 120, 140), 2)
    frames = [levels(background + random.normal(0, 6, background.shape)) for _ in range(40)]
    assert np.abs(np.diff(tones("mkl", frames)[5:], axis=0)).max() < 1.0


def test_too_little_skin_says_nothing_of_the_light() -> None:
    dark, bright = levels(skin((60, 60, 60), 1)), levels(skin((120, 120, 120), 1))
    few = np.zeros((SIDE, SIDE), np.bool_)
    few[:5, :5] = True
    np.testing.assert_array_equal(light_change(dark, bright, few), [1, 1, 1])
    np.testing.assert_allclose(light_change(dark, bright, np.ones_like(few)), [2, 2, 2], rtol=0.1)


def test_relit_statistics_are_those_of_relit_skin() -> None:
    pixels = skin((100, 120, 140), 3)
    gains = np.array([0.7, 0.9, 1.2])
    expected = statistics(levels(pixels * gains).reshape(-1, 1, 3))
    found = relit(statistics(levels(pixels).reshape(-1, 1, 3)), gains)
    np.testing.assert_allclose(found.mean_bgr, expected.mean_bgr, atol=1)
    np.testing.assert_allclose(found.covariance_bgr, expected.covariance_bgr, rtol=0.05, atol=2)
    np.testing.assert_allclose(found.mean_lab, expected.mean_lab, atol=2)
    np.testing.assert_allclose(found.std_lab, expected.std_lab, atol=2)
    np.testing.assert_allclose(found.histogram_bgr.sum(axis=1), 1)
    below = np.abs(found.histogram_bgr.cumsum(axis=1) - expected.histogram_bgr.cumsum(axis=1))
    assert below.max() < 0.1
