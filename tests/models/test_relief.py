"""What stands out of a photo's skin is made gentler: shine and hard shadows go, a face in soft light stays."""

import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import features_mask, filled
from mien_models.geometry.face_regions import CHEEKS, FACE_CORE
from mien_models.swappers.mesh.delight import SIDE_PX
from mien_models.swappers.mesh.multi_view import without_seam
from mien_models.swappers.mesh.relief import gentler, relief
from mien_models.types import as_f32

EVERYWHERE = np.ones((SIDE_PX, SIDE_PX), np.float32)


def skin(stands_out: float = 0.0) -> NDArray[np.float32]:
    """Plain skin in logarithms, with grain of that standard deviation."""
    grain = np.random.default_rng(3).normal(0, 1, (SIDE_PX, SIDE_PX, 1)).astype(np.float32)
    return as_f32(np.log(np.array([90, 120, 170], np.float32))[None, None] + grain * np.float32(stands_out))


def spot(contour: tuple[int, ...]) -> NDArray[np.bool_]:
    y, x = np.nonzero(filled((contour,), SIDE_PX))
    rows, columns = np.indices((SIDE_PX, SIDE_PX))
    return np.asarray(np.hypot(rows - y.mean(), columns - x.mean()) < 3)


def test_a_glowing_spot_and_a_slit_lose_most_of_what_they_stand_out_by() -> None:
    bright, dark = (spot(contour) for contour in CHEEKS)
    face = skin()
    face[bright] += 1.2
    face[dark] -= 1.2
    gentle = gentler(face, 0.3, has_beard=False)
    typical = np.median(gentle, axis=(0, 1))
    assert (gentle[bright] - typical).mean() < 0.4
    assert (gentle[dark] - typical).mean() > -0.6


def test_skin_in_soft_light_stays_as_it_is() -> None:
    face = skin(0.03)
    assert np.abs(gentler(face, 0.1, has_beard=False) - face).max() < 0.03


def test_of_skin_that_stands_out_much_less_is_left() -> None:
    face = skin(0.2)
    usual, harsh = (gentler(face, measured, has_beard=False) for measured in (0.15, 0.4))
    core = (filled((FACE_CORE,), SIDE_PX) > 0) & (features_mask(SIDE_PX, 0.03) == 0)
    assert harsh.mean(axis=2)[core].std() < 0.75 * usual.mean(axis=2)[core].std()
    assert relief(harsh, EVERYWHERE) < relief(face, EVERYWHERE)


def test_relief_is_what_the_skin_stands_out_by() -> None:
    assert abs(relief(skin(0.1), EVERYWHERE) - 0.1) < 0.02


def test_the_background_behind_a_profiles_nose_is_not_believed_and_a_frontal_nose_is() -> None:
    face = skin()
    slit = np.zeros((SIDE_PX, SIDE_PX), bool)
    slit[80:110, SIDE_PX // 2 - 2 : SIDE_PX // 2 + 2] = True
    face[slit] -= 1.5
    believed = without_seam(face, EVERYWHERE, 40.0)
    assert believed[slit].max() < 0.1
    far = np.abs(np.arange(SIDE_PX) - SIDE_PX / 2) > 0.1 * SIDE_PX
    assert believed[:, far].min() > 0.99
    assert without_seam(face, EVERYWHERE, 10.0).min() == 1
