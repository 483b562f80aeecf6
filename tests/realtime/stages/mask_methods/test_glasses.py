"""The wearer's glasses stay in front of the new face: rims whole, the skin around them free."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mien.stages.mask import opened
from mien.stages.mask_methods.glasses import GlassesMask
from mien_models.geometry.face_regions import OVAL
from mien_models.library.builtin import load_eyewear
from mien_models.types import BgrU8, Face, SwappedFace, as_u8

LOOK_NS = 200_000_000


def rims_on(shape: tuple[int, ...], face: Face, wide: float) -> NDArray[np.uint8]:
    """Two lenses' outlines, a bridge and temples: (h, w) 255 where they are."""
    rims = np.zeros(shape[:2], np.uint8)
    xy, thick = face.landmarks[:, :2], max(2, round(wide * face.width_px))
    ends = []
    for inner, outer in ((133, 33), (362, 263)):
        along = xy[outer] - xy[inner]
        centre, half = (xy[inner] + xy[outer]) / 2 + [0, 0.1 * abs(along[0])], 0.85 * float(np.linalg.norm(along))
        box = ((float(centre[0]), float(centre[1])), (2 * half, 1.35 * half), 0.0)
        cv2.ellipse(rims, box, (255,), thick, cv2.LINE_AA)
        sign = float(np.sign(along[0]))
        aside = np.array([sign * half, 0])
        ends.append((centre - aside, centre + aside))
    (bridge_a, hinge_a), (bridge_b, hinge_b) = ends
    for a, b in ((bridge_a, bridge_b), (hinge_a, xy[127]), (hinge_b, xy[356])):
        cv2.line(rims, (round(a[0]), round(a[1])), (round(b[0]), round(b[1])), (255,), thick, cv2.LINE_AA)
    return rims


def wearing(photo: BgrU8, rims: NDArray[np.uint8], colour: tuple[int, int, int]) -> BgrU8:
    share = rims[..., None] / 255
    return as_u8(np.clip(photo * (1 - share) + np.array(colour) * share + 0.5, 0, 255).astype(np.uint8))


def covered_by(mask: GlassesMask, picture: BgrU8, face: Face, looks: int) -> NDArray[np.bool_]:
    """Where the picture stays in front after so many looks, through the stage that uses the mask."""
    found = None
    for index in range(looks):
        found = mask.mask(picture, face, captured_ns=index * LOOK_NS)
    whole = SwappedFace(
        face.id, picture, np.full(picture.shape[:2], 255, np.uint8), np.array([[1, 0, 0], [0, 1, 0]], np.float64)
    )
    return np.zeros(picture.shape[:2], np.bool_) if found is None else opened(found, whole) < 128


def inside(face: Face, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(face.landmarks[list(OVAL), :2]).astype(np.int32)], (1,))
    return as_u8(cv2.erode(mask, np.ones((7, 7), np.uint8))) > 0


@pytest.mark.parametrize(("colour", "wide"), [((25, 25, 28), 0.025), ((60, 50, 130), 0.02)])
def test_rims_stay_whole_and_the_skin_beside_them_is_swapped(
    photo: BgrU8, face: Face, colour: tuple[int, int, int], wide: float
) -> None:
    rims = rims_on(photo.shape, face, wide)
    covered = covered_by(GlassesMask(load_eyewear()), wearing(photo, rims, colour), face, 6)
    where = inside(face, photo.shape)
    near = as_u8(cv2.dilate(rims, np.ones((9, 9), np.uint8))) > 0
    assert covered[(rims > 230) & where].mean() > 0.9
    assert covered[~near & where].mean() < 0.03


def test_nothing_of_a_bare_face_is_kept(photo: BgrU8, face: Face) -> None:
    assert not covered_by(GlassesMask(load_eyewear()), photo, face, 6).any()


def test_glasses_that_are_taken_off_go_within_two_seconds(photo: BgrU8, face: Face) -> None:
    mask = GlassesMask(load_eyewear())
    picture = wearing(photo, rims_on(photo.shape, face, 0.025), (25, 25, 28))
    assert covered_by(mask, picture, face, 6).any()
    for index in range(6, 15):
        mask.mask(photo, face, captured_ns=index * LOOK_NS)
    assert mask.mask(photo, face, captured_ns=15 * LOOK_NS) is None


def test_a_face_that_is_forgotten_is_looked_at_anew(photo: BgrU8, face: Face) -> None:
    mask = GlassesMask(load_eyewear())
    picture = wearing(photo, rims_on(photo.shape, face, 0.025), (25, 25, 28))
    assert covered_by(mask, picture, face, 6).any()
    mask.forget(face.id)
    assert mask.mask(photo, face, captured_ns=6 * LOOK_NS) is None
