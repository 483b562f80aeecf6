"""A face's own history: things come in front of a face that was seen bare."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien.stages.mask import Edge, FaceMask, MaskStage
from mien.stages.mask_methods.history import HistoryMask
from mien_models.types import BgrU8, Face, MaskU8, SwappedFace, as_u8

FRAME_NS = 33_333_333
SECOND = 30


class Camera:
    """Shows pictures to a mask, one after the other, with a camera's noise."""

    def __init__(self, face: Face) -> None:
        self.mask = HistoryMask()
        self._face = face
        self._index = 0
        self._random = np.random.default_rng(0)

    def show(self, picture: BgrU8, frames: int) -> NDArray[np.uint8]:
        """Show a picture so many times: where in it the face is open at the end, 0..255."""
        found: FaceMask | None = None
        for _ in range(frames):
            noisy = np.clip(picture + self._random.normal(0, 2, picture.shape) + 0.5, 0, 255).astype(np.uint8)
            found = self.mask.mask(noisy, self._face, captured_ns=self._index * FRAME_NS)
            self._index += 1
        height, width = picture.shape[:2]
        if found is None:
            return np.full((height, width), 255, np.uint8)
        return as_u8(
            cv2.warpAffine(found.image, found.frame_from_mask, (width, height), borderMode=cv2.BORDER_REPLICATE)
        )


def place(face: Face, landmark: int) -> tuple[int, int]:
    x, y = face.landmarks[landmark, :2]
    return int(x), int(y)


def with_disc(photo: BgrU8, face: Face, colour: tuple[int, int, int], radius: float = 0.16) -> BgrU8:
    """A disc in front of the cheek on the picture's left, as wide as a microphone."""
    picture = photo.copy()
    cv2.circle(picture, place(face, 50), int(radius * face.width_px), colour, -1)
    return picture


@pytest.mark.parametrize("colour", [(40, 40, 42), (200, 120, 40), (240, 240, 240)])
def test_a_thing_in_front_of_the_face_is_hidden_and_the_rest_stays_open(
    photo: BgrU8, face: Face, colour: tuple[int, int, int]
) -> None:
    camera = Camera(face)
    before = camera.show(photo, SECOND)
    after = camera.show(with_disc(photo, face, colour), 6)
    x, y = place(face, 50)
    near = int(0.09 * face.width_px)
    assert before[y - near : y + near, x - near : x + near].min() > 200
    assert after[y - near : y + near, x - near : x + near].mean() < 60
    for landmark in (280, 151, 4):
        x, y = place(face, landmark)
        assert after[y, x] > 200


def test_a_thing_that_goes_away_leaves_the_face_open(photo: BgrU8, face: Face) -> None:
    camera = Camera(face)
    camera.show(photo, SECOND)
    camera.show(with_disc(photo, face, (40, 40, 42)), 3 * SECOND)
    x, y = place(face, 50)
    assert camera.show(photo, SECOND)[y, x] > 200


def test_a_thing_that_rests_stays_hidden(photo: BgrU8, face: Face) -> None:
    camera = Camera(face)
    camera.show(photo, SECOND)
    x, y = place(face, 50)
    assert camera.show(with_disc(photo, face, (40, 40, 42)), 8 * SECOND)[y, x] < 60


@pytest.mark.parametrize("gain", [0.55, 1.3])
def test_a_lamp_that_is_switched_opens_no_hole(photo: BgrU8, face: Face, gain: float) -> None:
    camera = Camera(face)
    before = camera.show(photo, SECOND)
    lit = np.clip(photo * gain, 0, 255).astype(np.uint8)
    inside = cv2.fillConvexPoly(
        np.zeros(photo.shape[:2], np.uint8), cv2.convexHull(face.landmarks[:, :2].astype(np.int32)), (1,)
    )
    for _ in range(5):
        after = camera.show(lit, 2)
        opened = (before.astype(int) - after)[inside > 0]
        assert np.mean(opened > 64) < 0.01


def test_a_cut_to_another_picture_opens_no_hole(photo: BgrU8, face: Face) -> None:
    camera = Camera(face)
    camera.show(photo, SECOND)
    x, y = place(face, 4)
    assert camera.show(as_u8(255 - photo), 4)[y, x] > 200


def test_a_forgotten_face_is_learned_anew(photo: BgrU8, face: Face) -> None:
    camera = Camera(face)
    camera.show(photo, SECOND)
    camera.mask.forget(face.id)
    x, y = place(face, 50)
    assert camera.show(with_disc(photo, face, (200, 120, 40)), 3)[y, x] > 200


def test_cheeks_that_both_change_are_an_expression(photo: BgrU8, face: Face) -> None:
    camera = Camera(face)
    camera.show(photo, SECOND)
    spots = np.zeros(photo.shape[:2], np.float32)
    for landmark in (50, 280):
        cv2.circle(spots, place(face, landmark), int(0.08 * face.width_px), (1.0,), -1)
    gain = 1 - 0.25 * np.asarray(cv2.GaussianBlur(spots, (0, 0), 0.02 * face.width_px))[..., None]
    smiling = np.clip(photo * gain, 0, 255).astype(np.uint8)
    after = camera.show(smiling, 6)
    assert all(after[place(face, landmark)[::-1]] > 200 for landmark in (50, 280))


def test_hair_over_the_forehead_stays_and_brows_are_no_hair(photo: BgrU8, face: Face) -> None:
    fringed = photo.copy()
    corners = face.landmarks[[67, 10, 297, 299, 69], :2].astype(np.int32)
    cv2.fillConvexPoly(fringed, corners, (22, 24, 26))
    open_places = Camera(face).show(fringed, SECOND)
    x, y = (face.landmarks[10, :2] * 0.5 + face.landmarks[151, :2] * 0.5).astype(int)
    assert open_places[y, x] < 100
    for landmark in (105, 334, 4, 50, 280):
        assert open_places[place(face, landmark)[::-1]] > 200


class Known:
    """Another mask, which sees a disc in front of the cheek until it is taken away."""

    def __init__(self, disc: MaskU8 | None) -> None:
        self.disc = disc

    def mask(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> FaceMask | None:  # noqa: ARG002
        return None if self.disc is None else FaceMask(self.disc, np.eye(2, 3))

    def forget(self, face_id: int) -> None:
        pass


@pytest.mark.parametrize("is_seen_by_another", [True, False])
def test_what_another_mask_sees_in_front_from_the_start_is_not_learned_as_the_face(
    photo: BgrU8, face: Face, is_seen_by_another: bool
) -> None:
    covered = with_disc(photo, face, (200, 120, 40))
    changed = (covered != photo).any(axis=2)
    other = Known(np.where(changed, 0, 255).astype(np.uint8) if is_seen_by_another else None)
    stage = MaskStage([HistoryMask(), other], Edge())
    alpha = np.full(changed.shape, 255, np.uint8)
    swapped = SwappedFace(face.id, photo.copy(), alpha, np.eye(2, 3))
    for index in range(SECOND):
        stage(Frame(covered, index, index * FRAME_NS, (face,), (face,), swapped=(swapped,)))
    other.disc = None
    bare = stage(Frame(photo, SECOND, SECOND * FRAME_NS, (face,), (face,), swapped=(swapped,)))
    is_open = bare.swapped[0].alpha[place(face, 50)[::-1]] > 200
    assert is_open == is_seen_by_another
