"""Every mask on a real face, the public-domain astronaut; those that need the user's network get a tiny one."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.onnx_networks import bisenet_network, xseg_network

from mien.stages.mask import MASKS, FaceMask, MaskMethod
from mien_models.errors import UsageError
from mien_models.types import BgrU8, Face, as_f32, as_u8

FRAME_NS = 33_333_333
NETWORKS = {"xseg": xseg_network, "bisenet": bisenet_network}


@pytest.fixture(params=MASKS.names())
def method(request: pytest.FixtureRequest, tmp_path: Path) -> MaskMethod:
    make = NETWORKS.get(request.param)
    return MASKS.load(request.param).make(str(make(tmp_path / "tiny.onnx")) if make else "")


def in_frame(mask: FaceMask | None, frame_bgr: BgrU8) -> np.ndarray:
    height, width = frame_bgr.shape[:2]
    if mask is None:
        return np.full((height, width), 255, np.uint8)
    drawn = cv2.warpAffine(mask.image, mask.frame_from_mask, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn)


def cheek(face: Face) -> tuple[int, int]:
    x, y = face.landmarks[50, :2]
    return int(x), int(y)


def test_a_bare_face_stays_open(method: MaskMethod, photo: BgrU8, face: Face) -> None:
    mask = None
    for index in range(25):
        mask = method.mask(photo, face, captured_ns=index * FRAME_NS)
    x, y = cheek(face)
    reach = int(0.1 * face.width_px)
    assert in_frame(mask, photo)[y - reach : y + reach, x - reach : x + reach].min() > 200


def test_a_mask_is_a_small_picture_with_a_place(method: MaskMethod, photo: BgrU8, face: Face) -> None:
    noise = np.random.default_rng(0)
    for index in range(25):
        frame = photo if index < 20 else as_u8(noise.integers(0, 256, photo.shape, np.uint8))
        mask = method.mask(frame, face, captured_ns=index * FRAME_NS)
        if mask is not None:
            assert mask.image.ndim == 2
            assert mask.image.dtype == np.uint8
            assert mask.frame_from_mask.shape == (2, 3)
            assert np.linalg.det(mask.frame_from_mask[:, :2]) > 0


def test_a_frame_is_only_read(method: MaskMethod, photo: BgrU8, face: Face) -> None:
    frame, landmarks = photo.copy(), face.landmarks.copy()
    for index in range(12):
        method.mask(frame, face, captured_ns=index * FRAME_NS)
    np.testing.assert_array_equal(frame, photo)
    np.testing.assert_array_equal(face.landmarks, landmarks)


@pytest.mark.parametrize("offset", [(-4000.0, 0.0), (-150.0, 300.0), (0.0, -180.0)])
def test_a_face_over_the_frame_s_edge_is_no_error(
    method: MaskMethod, photo: BgrU8, face: Face, offset: tuple[float, float]
) -> None:
    landmarks = as_f32(face.landmarks + np.array([*offset, 0]))
    box = as_f32(face.box_xyxy + np.array([*offset, *offset]))
    moved = Face(face.id, box, landmarks, face.pose, face.score)
    for index in range(15):
        method.mask(photo, moved, captured_ns=index * FRAME_NS)


def test_forgetting_a_face_that_was_never_seen_is_no_error(method: MaskMethod) -> None:
    method.forget(1234)


@pytest.mark.parametrize("name", [name for name in MASKS.names() if name not in NETWORKS])
def test_a_mask_without_a_network_refuses_a_file(name: str) -> None:
    with pytest.raises(UsageError, match=r"takes nothing after its name, got 'network\.onnx'"):
        MASKS.parse(f"{name}:network.onnx")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_mask_that_needs_a_network_says_how_to_give_it(name: str) -> None:
    with pytest.raises(UsageError, match=f"write '{name}:FILE.onnx'"):
        MASKS.parse(name)


def test_the_selfie_mask_tells_the_person_from_the_background(photo: BgrU8, face: Face) -> None:
    mask = MASKS.load("selfie").make("").mask(photo, face, captured_ns=0)
    drawn = in_frame(mask, photo)
    x, y = face.landmarks[4, :2].astype(int)
    left = face.box_xyxy[0] - 0.9 * face.width_px
    assert drawn[y, x] > 250
    assert drawn[int(face.box_xyxy[1]), int(left)] < 20


def test_a_name_and_a_file_are_taken_apart() -> None:
    assert MASKS.parse("history") == ("history", "")
    assert MASKS.parse("xseg:nets/xseg.onnx") == ("xseg", "nets/xseg.onnx")
