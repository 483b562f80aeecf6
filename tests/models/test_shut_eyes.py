"""Eyes that are shut: drawn lids, whose opening is known, say what of the wearer must show."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.models.test_photo_eyes import BROWN, behind_dark_lenses, face, photo, with_eyes

from mien_models.geometry.face_regions import EYE_LIDS
from mien_models.library.builtin import load_eyes
from mien_models.networks.eyes import CORNERS
from mien_models.swappers.mesh import PLUGIN
from mien_models.swappers.mesh.lids import with_lids
from mien_models.swappers.mesh.shut_eyes import ShutFilter
from mien_models.types import BgrU8, Face, SourceFace, SwapOptions

__all__ = ["face", "photo"]
FRAME_S = 1 / 30


def blinking(photo: BgrU8, face: Face, opening: float) -> tuple[BgrU8, Face]:
    """Draw eyes that are open so far, with the mesh's lids where the network sees them."""
    picture, _ = with_eyes(photo, face, iris=BROWN, opening=opening)
    landmarks = with_lids(face.landmarks, load_eyes().look(picture, face.landmarks))
    return picture, replace(face, landmarks=landmarks)


def shut(picture: BgrU8, face: Face) -> tuple[float, float]:
    return ShutFilter()(face.landmarks, load_eyes().look(picture, face.landmarks), FRAME_S)


def covered_lids(photo: BgrU8, picture: BgrU8, face: Face, *, photo_eyes: bool) -> NDArray[np.float64]:
    """How much the new face covers the lids of both eyes, 0..1, just above where they meet."""
    swapper = PLUGIN(SourceFace.of(photo, face), SwapOptions(shape=0.0, photo_eyes=photo_eyes))
    swapped = swapper.swap(picture, face, captured_ns=0)
    covered: list[float] = []
    for (upper, _), (outer, inner) in zip(EYE_LIDS, CORNERS, strict=True):
        wide = float(np.linalg.norm(face.landmarks[outer] - face.landmarks[inner]))
        at = face.landmarks[upper, :2] - swapped.frame_from_crop[:, 2] - (0, 0.06 * wide)
        covered.append(float(swapped.alpha[round(float(at[1])), round(float(at[0]))]) / 255)
    return np.array(covered)


@pytest.mark.parametrize("photo_eyes", [False, True])
def test_lids_are_the_photos_on_open_eyes_and_the_wearers_on_shut_ones(
    photo: BgrU8, face: Face, *, photo_eyes: bool
) -> None:
    opened, closed = (
        covered_lids(photo, *blinking(photo, face, opening), photo_eyes=photo_eyes) for opening in (1.0, 0.0)
    )
    assert opened.min() > 0.7
    assert closed.max() < 0.1


def test_each_eye_is_shut_by_itself(photo: BgrU8, face: Face) -> None:
    wide, _ = with_eyes(photo, face, iris=BROWN)
    picture, closed = blinking(photo, face, 0.0)
    half = round(float(face.landmarks[168, 0]))
    picture[:, half:] = wide[:, half:]
    landmarks = closed.landmarks.copy()
    on_the_right = face.landmarks[:, 0] > half
    landmarks[on_the_right] = face.landmarks[on_the_right]
    left, right = shut(picture, replace(face, landmarks=landmarks))
    assert left > 0.9
    assert right == 0


def test_an_eye_behind_a_dark_lens_is_not_shut(photo: BgrU8, face: Face) -> None:
    assert max(shut(behind_dark_lenses(photo, face), face)) == 0


def test_an_eye_shuts_at_once_and_opens_within_a_few_frames(photo: BgrU8, face: Face) -> None:
    follow, network = ShutFilter(), load_eyes()
    frames = [blinking(photo, face, opening) for opening in (1.0, 0.0, 1.0, 1.0, 1.0, 1.0)]
    said = [follow(seen.landmarks, network.look(picture, seen.landmarks), FRAME_S)[0] for picture, seen in frames]
    assert said[0] == 0
    assert said[1] > 0.9
    assert said[1] > said[2] > said[3] > said[4]
    assert said[5] < 0.2
