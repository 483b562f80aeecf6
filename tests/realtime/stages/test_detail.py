"""The crop's detail beside the camera's."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien.stages.detail import DetailStage, details
from mien_models.types import BgrU8, Face, HeadPose, SwappedFace, as_u8

SIDE = 200
FRAME_NS = 33_333_333


def picture(*, blur: float = 0.0, noise: float = 0.0, seed: int = 0) -> BgrU8:
    """Skin with folds and pores, as a soft or a noisy camera sees it."""
    random = np.random.default_rng(1)
    pores = cv2.GaussianBlur(random.standard_normal((SIDE, SIDE)), (0, 0), 1.5)
    row = np.arange(SIDE)[:, None]
    grey = 130 + 30 * np.sin(row / 5) + 12 * np.asarray(pores) / np.std(pores)
    if blur:
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), blur))
    grey = grey + noise * np.random.default_rng(seed).standard_normal(grey.shape)
    return as_u8(np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2))


def swapped(crop_bgr: BgrU8, scale: float = 1.0) -> SwappedFace:
    alpha = np.full(crop_bgr.shape[:2], 255, np.uint8)
    return SwappedFace(
        face_id=1, crop_bgr=crop_bgr, alpha=alpha, frame_from_crop=np.array([[scale, 0, 0], [0, scale, 0]])
    )


def face() -> Face:
    box = np.array([0, 0, SIDE, SIDE], np.float32)
    return Face(1, box, np.zeros((468, 3), np.float32), HeadPose(0, 0, 0), 1.0)


def matched(frames: list[BgrU8], crop_bgr: BgrU8) -> list[BgrU8]:
    stage = DetailStage()
    out: list[BgrU8] = []
    for index, image_bgr in enumerate(frames):
        frame = Frame(image_bgr, index, index * FRAME_NS, faces=(face(),), chosen=(face(),))
        frame = replace(frame, swapped=(swapped(crop_bgr),))
        out.append(stage(frame).swapped[0].crop_bgr)
    return out


def energy(image_bgr: BgrU8) -> float:
    grey = image_bgr[..., 0].astype(np.float32)
    fine: NDArray[np.float32] = np.abs(grey - np.asarray(cv2.GaussianBlur(grey, (0, 0), 1.2)))
    return float(fine[10:-10, 10:-10].mean())


@pytest.mark.parametrize("blur", [0.7, 1.0])
def test_a_crop_sharper_than_a_soft_camera_becomes_as_soft(blur: float) -> None:
    camera, crop = picture(blur=blur), picture()
    out = matched([camera] * 60, crop)[-1]
    assert energy(crop) > 1.2 * energy(camera)
    assert energy(out) == pytest.approx(energy(camera), rel=0.15)


def test_a_soft_crop_is_sharpened_within_limits() -> None:
    camera, crop = picture(), picture(blur=1.0)
    out = matched([camera] * 60, crop)[-1]
    assert 1.15 * energy(crop) < energy(out) <= 1.05 * energy(camera)


def test_a_clean_crop_gets_grain_that_changes_and_stays_below_the_cameras() -> None:
    cameras = [picture(blur=1.5, noise=5, seed=seed) for seed in range(60)]
    crop = picture(blur=1.5)
    first, second = matched(cameras, crop)[-2:]
    grain = (first.astype(float) - second.astype(float)).std() / 2**0.5
    assert 0.3 * 5 < grain < 5
    assert abs(first.mean() - crop.mean()) < 0.5


def test_a_crop_like_the_cameras_picture_is_left_as_it_is() -> None:
    camera = picture(blur=0.7)
    out = matched([camera] * 30, camera)[-1]
    assert abs(out.astype(int) - camera).max() <= 3


def test_grain_is_not_drawn_on_a_crop_that_is_enlarged() -> None:
    camera = picture(blur=1.5, noise=6)
    small = as_u8(cv2.resize(picture(blur=1.5), (SIDE // 4, SIDE // 4), interpolation=cv2.INTER_AREA))
    stage = DetailStage()
    frames = [
        Frame(camera, index, index * FRAME_NS, (face(),), (face(),), swapped=(swapped(small, 4.0),))
        for index in range(20)
    ]
    *_, last = (stage(frame).swapped[0].crop_bgr for frame in frames)
    again = stage(frames[-1]).swapped[0].crop_bgr
    assert (last == again).all(), "what changes from frame to frame is grain"


def test_both_are_measured_on_the_frames_grid() -> None:
    camera = picture()
    half = as_u8(cv2.resize(camera, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA))
    frame, crop = details(camera, swapped(half, 2.0))
    assert frame is not None
    assert crop is not None
    assert crop.energy < 0.8 * frame.energy


def test_too_little_in_sight_changes_nothing() -> None:
    crop = picture()
    hidden = swapped(crop)
    hidden.alpha[:] = 0
    assert details(picture(blur=2), hidden) == (None, None)


def test_left_out_it_leaves_the_crop_alone_and_costs_nothing() -> None:
    stage = DetailStage()
    (part,) = stage.parts
    assert part.cost_ms is None
    crop_bgr = picture(blur=2.0)
    frame = Frame(picture(noise=4.0), 0, 0, (face(),), (face(),), swapped=(swapped(crop_bgr),))
    stage(frame)
    assert part.cost_ms is not None
    assert stage(frame).swapped[0].crop_bgr is not crop_bgr
    part.switch(on=False)
    assert stage(frame).swapped[0].crop_bgr is crop_bgr
