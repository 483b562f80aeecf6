"""The networks for hands say what MediaPipe says with them; `golden/ORIGIN.md` says where its numbers are from."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest
from tests.drawn_hands import Pose, draw_hand

from mien_models.errors import ModelError
from mien_models.geometry.crop import Region
from mien_models.library.builtin import load_hands, open_session, read_manifest
from mien_models.networks.detectors.blazeface import BlazeFace
from mien_models.networks.hands import KNUCKLES, WRIST, Hands, region_of
from mien_models.types import BgrU8, as_u8

GOLDEN: Final = np.load(Path(__file__).parent / "golden" / "hands.npz")
HALF: Final = 0.5
"""MediaPipe counts from the edge of the first pixel."""
NEAR_PX: Final = 1.5
"""Of 192, at the worst joint: pictures are turned in other steps here and there."""


@pytest.fixture(scope="module")
def hands() -> Hands:
    return load_hands()


@pytest.mark.parametrize("number", range(3))
def test_joints_are_mediapipes_when_a_hand_is_found_and_when_it_is_followed(hands: Hands, number: int) -> None:
    picture = as_u8(GOLDEN[f"{number}/bgr"])
    (region,) = hands.find(picture)
    for look in ("first", "followed"):
        joints, presence = hands.joints(picture, region)
        theirs = GOLDEN[f"{number}/{look}"]
        assert presence > 0.9
        assert np.abs(joints[:, :2] + HALF - theirs[:, :2]).max() < NEAR_PX
        assert np.abs(joints[:, 2] - theirs[:, 2]).max() < NEAR_PX
        region = region_of(joints)


def test_a_picture_without_a_hand_has_none(hands: Hands, photo: BgrU8) -> None:
    assert not hands.find(photo)
    assert hands.joints(photo, Region((224.8, 122.5), 163.0))[1] < 0.3


@pytest.mark.parametrize("roll_deg", [0.0, 90.0, 200.0])
def test_a_hand_is_found_in_a_part_of_a_picture_and_placed_in_all_of_it(hands: Hands, roll_deg: float) -> None:
    drawn = draw_hand(np.full((500, 700, 3), 90, np.uint8), (480.0, 250.0), 90.0, Pose(roll_deg=roll_deg))
    (region,) = hands.find(drawn.bgr, Region((480.0, 250.0), 400.0))
    joints, presence = hands.joints(drawn.bgr, region)
    assert presence > 0.9
    assert np.linalg.norm(joints[[WRIST, *KNUCKLES], :2] - drawn.joints[[WRIST, *KNUCKLES]], axis=1).mean() < 0.25 * 90


def test_weights_of_another_kind_are_refused() -> None:
    palms = read_manifest("palm_detection_lite")
    session = open_session(palms)
    with pytest.raises(ModelError, match="should have the outputs of a hand's joints"):
        Hands(BlazeFace(palms, session), palms, session)
    with pytest.raises(ModelError, match="should have the two outputs of BlazeFace"):
        BlazeFace(read_manifest("hand_landmark_lite"), session)
    with pytest.raises(ModelError, match="is a detector, where a hand is needed"):
        load_hands("blazeface_short_range")
