"""Hands stay in front of the face from the first frame on; they are drawn, so that what they cover is known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.drawn_hands import DrawnHand, Pose, draw_hand

from mien.stages.mask import FaceMask
from mien.stages.mask_methods.hands import HandsMask
from mien_models.interfaces import FaceRegion
from mien_models.library.builtin import load_hands
from mien_models.networks.hands import Hands
from mien_models.types import BgrU8, Face, PointsF32, as_u8

FRAME_NS: Final = 33_333_333
LIGHT: Final = (140.0, 165.0, 215.0)
DARK: Final = (50.0, 70.0, 110.0)


@dataclass
class Counting:
    """The networks, and how often they were asked."""

    networks: Hands = field(default_factory=load_hands)
    searches: int = 0
    looks: int = 0
    is_blind: bool = False
    """Whether no hand is seen any more."""
    is_folded: bool = False
    """Whether the thumb is taken for a part of the palm."""

    def find(
        self, image_bgr: BgrU8, region: FaceRegion | None = None, *, min_score: float = 0.5
    ) -> Sequence[FaceRegion]:
        self.searches += 1
        return [] if self.is_blind else self.networks.find(image_bgr, region, min_score=min_score)

    def joints(self, image_bgr: BgrU8, region: FaceRegion) -> tuple[PointsF32, float]:
        self.looks += 1
        joints, presence = self.networks.joints(image_bgr, region)
        if self.is_folded:
            joints[2:5] = joints[5]
        return joints, 0.0 if self.is_blind else presence


class Camera:
    """Shows pictures to a mask, one after the other."""

    def __init__(self, face: Face) -> None:
        self.networks = Counting()
        self.mask = HandsMask(self.networks)  # type: ignore[arg-type]  # it counts, else it is the same
        self._face = face
        self._index = 0

    def show(self, picture: BgrU8, frames: int = 1) -> NDArray[np.float32]:
        """Show a picture so many times: where in it the face is hidden at the end, 0..1."""
        found: FaceMask | None = None
        for _ in range(frames):
            found = self.mask.mask(picture, self._face, captured_ns=self._index * FRAME_NS)
            self._index += 1
        size = picture.shape[1::-1]
        if found is None:
            return np.zeros(picture.shape[:2], np.float32)
        shown = cv2.warpAffine(found.image, found.frame_from_mask, size, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(1 - shown.astype(np.float32) / 255, np.float32)


def inside(face: Face, picture: BgrU8) -> NDArray[np.bool_]:
    hull = cv2.convexHull(face.landmarks[:, :2].astype(np.int32))
    return np.asarray(cv2.fillConvexPoly(np.zeros(picture.shape[:2], np.uint8), hull, (1,)) > 0)


def with_hand(
    photo: BgrU8, face: Face, landmark: int, pose: Pose, skin: tuple[float, float, float] = LIGHT, palm: float = 0.62
) -> DrawnHand:
    """Hold a hand before a landmark, with the roots of its fingers there."""
    palm_px = palm * face.width_px
    roll = np.radians(pose.roll_deg)
    wrist = face.landmarks[landmark, :2] - 1.2 * palm_px * np.array([np.sin(roll), -np.cos(roll)])
    return draw_hand(photo, (float(wrist[0]), float(wrist[1])), palm_px, pose, skin)


def shares(hidden: NDArray[np.float32], drawn: DrawnHand, face: Face) -> tuple[float, float]:
    """Say how much of the hand over the face is kept, and how much of the face beside it is opened."""
    over = inside(face, drawn.bgr)
    kept = float((hidden * drawn.covered)[over].sum() / drawn.covered[over].sum())
    bare = (1 - drawn.covered)[over]
    return kept, float((hidden[over] * bare).sum() / bare.sum())


@pytest.mark.parametrize("skin", [LIGHT, DARK])
@pytest.mark.parametrize(
    ("landmark", "pose"),
    [(13, Pose(roll_deg=-40)), (159, Pose(roll_deg=25, shows_back=True)), (280, Pose(roll_deg=-70, bend_deg=5))],
    ids=["mouth", "eye", "cheek"],
)
def test_a_hand_that_is_there_in_the_first_frame_stays_in_front(
    photo: BgrU8, face: Face, landmark: int, pose: Pose, skin: tuple[float, float, float]
) -> None:
    drawn = with_hand(photo, face, landmark, pose, skin)
    kept, opened = shares(Camera(face).show(drawn.bgr), drawn, face)
    assert kept > 0.85
    assert opened < 0.14


def test_a_resting_person_costs_no_network(photo: BgrU8, face: Face) -> None:
    camera = Camera(face)
    camera.show(photo)
    first = camera.networks.searches
    noise = np.random.default_rng(0)
    for _ in range(40):
        camera.show(as_u8(np.clip(photo + noise.normal(0, 3, photo.shape), 0, 255)))
    assert camera.networks.searches == first
    assert camera.networks.looks == 0


def test_a_hand_that_comes_is_in_front_in_that_frame_and_gone_in_the_one_in_which_it_goes(
    photo: BgrU8, face: Face
) -> None:
    camera = Camera(face)
    camera.show(photo, 10)
    drawn = with_hand(photo, face, 13, Pose(roll_deg=-40))
    assert shares(camera.show(drawn.bgr), drawn, face)[0] > 0.8
    camera.show(drawn.bgr, 10)
    assert not camera.show(photo)[inside(face, photo)].any()


def waving(photo: BgrU8, face: Face, x: float) -> DrawnHand:
    """Draw a hand with its wrist there, blurred by its way to the right."""
    width, y = face.width_px, float(face.landmarks[4, 1] + 0.7 * face.width_px)
    drawn = [draw_hand(photo, (x + part * 0.05 * width, y), 0.62 * width, Pose(roll_deg=8)) for part in range(3)]
    bgr = np.mean([hand.bgr for hand in drawn], axis=0).astype(np.uint8)
    covered = np.asarray(np.mean([hand.covered for hand in drawn], axis=0), np.float32)
    return DrawnHand(bgr, covered, drawn[0].joints)


def test_a_hand_that_waves_fast_is_not_lost(photo: BgrU8, face: Face) -> None:
    camera = Camera(face)
    camera.show(photo, 3)
    width, nose = face.width_px, float(face.landmarks[4, 0])
    for step in range(-4, 3):
        drawn = waving(photo, face, nose + (0.3 * step - 0.1) * width)
        hidden = camera.show(drawn.bgr)
        if step > -2:
            assert shares(hidden, drawn, face)[0] > 0.5


def test_a_hand_that_the_networks_lose_stays_while_its_place_looks_the_same(photo: BgrU8, face: Face) -> None:
    camera = Camera(face)
    drawn = with_hand(photo, face, 13, Pose(roll_deg=-40))
    camera.show(drawn.bgr, 5)
    camera.networks.is_blind = True
    assert shares(camera.show(drawn.bgr, 20), drawn, face)[0] > 0.8
    assert not camera.show(photo)[inside(face, photo)].any()
    assert camera.networks.searches < 15


def test_a_finger_that_the_networks_lose_for_a_moment_does_not_flicker(photo: BgrU8, face: Face) -> None:
    camera = Camera(face)
    drawn = with_hand(photo, face, 13, Pose(roll_deg=60))
    thumb = np.zeros(photo.shape[:2], np.uint8)
    root, tip = (tuple(drawn.joints[joint].astype(int).tolist()) for joint in (3, 4))
    cv2.line(thumb, root, tip, (1,))
    assert camera.show(drawn.bgr, 5)[thumb > 0].mean() > 0.8
    camera.networks.is_folded = True
    assert camera.show(drawn.bgr, 3)[thumb > 0].mean() > 0.8
    assert camera.show(drawn.bgr, 15)[thumb > 0].mean() < 0.4


def test_a_hand_beside_the_face_leaves_it_open(photo: BgrU8, face: Face) -> None:
    picture = photo.copy()
    drawn = draw_hand(picture, (float(face.box_xyxy[2] + 1.1 * face.width_px), 190.0), 65.0, Pose())
    camera = Camera(face)
    assert not camera.show(drawn.bgr, 3)[inside(face, picture)].any()


def test_a_hand_much_smaller_than_the_face_s_own_is_somebody_else_s(photo: BgrU8, face: Face) -> None:
    drawn = with_hand(photo, face, 13, Pose(), palm=0.2)
    assert not Camera(face).show(drawn.bgr, 3).any()


def test_a_forgotten_face_s_hands_are_searched_anew(photo: BgrU8, face: Face) -> None:
    camera = Camera(face)
    camera.show(photo, 3)
    before = camera.networks.searches
    camera.mask.forget(face.id)
    camera.show(photo)
    assert camera.networks.searches > before
