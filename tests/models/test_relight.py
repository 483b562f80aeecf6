"""The light on a face is smoothed against noise, but a lamp is not waited for."""

import numpy as np
from numpy.typing import NDArray

from mien_models.swappers.mesh.relight import LightFilter, skin_weight

FRAME_S = 1 / 30
SIDE = len(skin_weight())


def side_light(strength: float) -> NDArray[np.float32]:
    across = np.linspace(-1, 1, SIDE, dtype=np.float32)[None, :, None]
    return np.broadcast_to(120 * (1 + strength * across), (SIDE, SIDE, 3)).astype(np.float32)


def test_a_lamp_that_moves_to_the_other_side_is_followed_within_three_frames() -> None:
    tracker = LightFilter(side_light(0))
    before = [tracker.added(side_light(-0.5), FRAME_S) for _ in range(10)][-1]
    after = [tracker.added(side_light(0.5), FRAME_S) for _ in range(40)]
    left = np.abs(after[2] - after[-1]).max() / np.abs(before - after[-1]).max()
    assert left < 0.15
    assert not tracker.is_changing


def test_trembling_light_is_stilled() -> None:
    random = np.random.default_rng(1)
    tracker = LightFilter(side_light(0))
    lights = [side_light(float(strength)) for strength in random.normal(0.2, 0.02, 60)]
    added = np.stack([tracker.added(light, FRAME_S) for light in lights])[10:]
    assert np.diff(added, axis=0).std() < 0.3 * np.diff(np.stack(lights)[10:], axis=0).std()
    assert not tracker.is_changing
