"""The enhancement of a crop, with networks whose answer is known."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage

from mien.pipeline.frame import Frame
from mien.stages.composite import CompositeStage
from mien.stages.enhance import EnhanceStage
from mien.tracking.photo import find_faces
from mien_models.types import BgrU8, Face, SwappedFace, as_u8


class Brighter:
    """An enhancer that adds 40 to every pixel and counts its faces."""

    template, side_px, cost_ms, provider = "ffhq_512", 512, 1.0, "none"

    def __init__(self) -> None:
        self.seen: list[BgrU8] = []

    def enhance(self, patch_bgr: BgrU8) -> BgrU8:
        self.seen.append(patch_bgr)
        return as_u8(np.minimum(patch_bgr.astype(int) + 40, 255))


@pytest.fixture(scope="module")
def photo() -> BgrU8:
    path = Path(skimage.__file__).parent / "data" / "astronaut.png"
    return np.minimum(as_u8(np.asarray(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR))), 200)


@pytest.fixture(scope="module")
def face(photo: BgrU8) -> Face:
    return find_faces(photo)[0]


def in_use(photo: BgrU8, face: Face, scale: float = 1.0) -> SwappedFace:
    """The face's own middle as a crop, `scale` of the frame's pixels to each of its."""
    left, top, right, bottom = (int(v) for v in face.box_xyxy)
    size = (int((right - left) / scale), int((bottom - top) / scale))
    crop = as_u8(cv2.resize(photo[top:bottom, left:right], size, interpolation=cv2.INTER_AREA))
    alpha = np.zeros(crop.shape[:2], np.uint8)
    cv2.ellipse(alpha, (size[0] // 2, size[1] // 2), (int(size[0] * 0.3), int(size[1] * 0.3)), 0, 0, 360, (255,), -1)
    offset = scale / 2 - 0.5
    matrix = np.array([[scale, 0, left + offset], [0, scale, top + offset]])
    return SwappedFace(face_id=face.id, crop_bgr=crop, alpha=alpha, frame_from_crop=matrix)


def composed(frame: Frame) -> np.ndarray:
    result = CompositeStage()(frame).composed
    assert result is not None
    return result.before_marks().astype(int)


def packet_of(photo: BgrU8, face: Face, scale: float = 1.0) -> Frame:
    return Frame(photo, 0, 0, faces=(face,), chosen=(face,), swapped=(in_use(photo, face, scale),))


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_the_change_lands_inside_the_alpha_and_nowhere_else(photo: BgrU8, face: Face, scale: float) -> None:
    frame = packet_of(photo, face, scale)
    change = composed(EnhanceStage(Brighter(), 1.0)(frame)) - composed(frame)
    alpha = composed(
        Frame(
            np.zeros_like(photo),
            0,
            0,
            swapped=(
                SwappedFace(
                    face_id=face.id,
                    crop_bgr=np.full_like(frame.swapped[0].crop_bgr, 255),
                    alpha=frame.swapped[0].alpha,
                    frame_from_crop=frame.swapped[0].frame_from_crop,
                ),
            ),
        )
    )[..., 0]
    assert np.abs(change[alpha == 0]).max() <= 1
    inside = cv2.erode((alpha == 255).astype(np.uint8), np.ones((9, 9))) > 0
    assert np.median(change[inside]) == pytest.approx(40, abs=2)


def test_strength_is_the_share_of_the_change(photo: BgrU8, face: Face) -> None:
    frame = packet_of(photo, face)
    half = composed(EnhanceStage(Brighter(), 0.5)(frame)) - composed(frame)
    centre = face.landmarks[4, :2].astype(int)
    assert half[centre[1], centre[0]].mean() == pytest.approx(20, abs=1.5)


def test_the_network_sees_the_worn_face_upright_and_whole(photo: BgrU8, face: Face) -> None:
    seen = Brighter()
    EnhanceStage(seen, 1.0)(packet_of(photo, face))
    again = find_faces(seen.seen[0])[0]
    eyes = again.five_points[:2]
    assert abs(eyes[0, 1] - eyes[1, 1]) < 8
    assert eyes[0] == pytest.approx((193, 240), abs=14)


def test_what_is_left_out_costs_nothing_and_changes_nothing(photo: BgrU8, face: Face) -> None:
    seen = Brighter()
    stage = EnhanceStage(seen, 1.0)
    stage.parts[0].switch(on=False)
    frame = packet_of(photo, face)
    assert stage(frame) is frame
    assert not seen.seen


def test_a_face_that_is_wholly_hidden_is_not_asked_for(photo: BgrU8, face: Face) -> None:
    seen = Brighter()
    hidden = packet_of(photo, face).swapped[0]
    hidden.alpha[:] = 0
    EnhanceStage(seen, 1.0)(Frame(photo, 0, 0, faces=(face,), chosen=(face,), swapped=(hidden,)))
    assert not seen.seen
