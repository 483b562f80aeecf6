"""Both networks have to agree on a new face, and on which way up it is."""

import math

import numpy as np
import pytest

from mien.tracking.geometry import roll_rad
from mien.tracking.landmark_fit import FaceNetworks, LandmarkFitter
from mien.tracking.settings import LookSettings
from mien_models.types import BgrU8, DetectedFace, Face


@pytest.mark.parametrize("off_deg", [0, 150, 180])
def test_a_detection_the_wrong_way_up_still_gives_landmarks_the_right_way_up(
    source_photo: BgrU8, portrait_face: Face, networks: FaceNetworks, off_deg: int
) -> None:
    middle = (portrait_face.box_xyxy[:2] + portrait_face.box_xyxy[2:]) / 2
    across = np.array([math.cos(math.radians(off_deg)), math.sin(math.radians(off_deg))], np.float32) * 20
    eyes = np.stack([middle - across, middle + across])
    wrong = DetectedFace(portrait_face.box_xyxy, eyes.astype(np.float32), 0.9)
    landmark_fit = LandmarkFitter(networks, LookSettings()).new_face(source_photo, wrong)
    assert landmark_fit is not None
    assert abs(math.degrees(roll_rad(landmark_fit.landmarks)) - portrait_face.pose.roll_deg) < 5


def test_a_face_nobody_sees_is_not_confirmed(source_photo: BgrU8, portrait_face: Face, networks: FaceNetworks) -> None:
    fitter = LandmarkFitter(networks, LookSettings())
    eyes = portrait_face.five_points[:2]
    landmark_fit = fitter.new_face(source_photo, DetectedFace(portrait_face.box_xyxy, eyes, 0.9))
    assert landmark_fit is not None
    assert fitter.confirms(source_photo, landmark_fit)
    assert fitter.confirms(source_photo, landmark_fit, wide=True)
    assert not fitter.confirms(np.full_like(source_photo, 120), landmark_fit)
