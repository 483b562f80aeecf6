"""The wearer's glasses stay in front of the new face: rims whole, the skin around them free."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mien.config.choices import GlassesMode
from mien.pipeline.frame import Frame
from mien.stages.composite import CompositeStage
from mien.stages.glasses import GlassesStage
from mien.stages.tone import ToneStage
from mien_models.geometry.face_regions import OVAL
from mien_models.library.builtin import load_eyewear, load_rims
from mien_models.types import BgrU8, Face, SwappedFace, as_f32, as_u8

LOOK_NS = 200_000_000


def rims_on(shape: tuple[int, ...], face: Face, wide: float) -> NDArray[np.uint8]:
    """Two lenses' outlines, a bridge and temples: (h, w) 255 where they are."""
    rims = np.zeros(shape[:2], np.uint8)
    xy, thick = face.landmarks[:, :2], max(2, round(wide * face.width_px))
    ends: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
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


def stage_that(mode: GlassesMode) -> GlassesStage:
    return GlassesStage(load_eyewear(), load_rims(), mode)


def frame_of(picture: BgrU8, face: Face, worn: SwappedFace, index: int = 0) -> Frame:
    return Frame(picture, index, 10**9 + index * LOOK_NS, faces=(face,), chosen=(face,), swapped=(worn,))


def over_all(picture: BgrU8, face: Face) -> SwappedFace:
    alpha = np.full(picture.shape[:2], 255, np.uint8)
    return SwappedFace(face.id, picture, alpha, np.array([[1, 0, 0], [0, 1, 0]], np.float64))


def covered_by(stage: GlassesStage, picture: BgrU8, face: Face, looks: int, since: int = 0) -> NDArray[np.bool_]:
    """Where the picture stays in front after so many looks."""
    alpha = np.zeros(picture.shape[:2], np.uint8)
    for index in range(since, since + looks):
        alpha = stage(frame_of(picture, face, over_all(picture, face), index)).swapped[0].alpha
    return np.asarray(alpha < 128)


def inside(face: Face, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(face.landmarks[list(OVAL), :2]).astype(np.int32)], (1,))
    return as_u8(cv2.erode(mask, np.ones((7, 7), np.uint8))) > 0


@pytest.mark.parametrize(("colour", "wide"), [((25, 25, 28), 0.025), ((60, 50, 130), 0.02)])
def test_rims_stay_whole_and_the_skin_beside_them_is_swapped(
    photo: BgrU8, face: Face, colour: tuple[int, int, int], wide: float
) -> None:
    rims = rims_on(photo.shape, face, wide)
    covered = covered_by(stage_that(GlassesMode.KEEP), wearing(photo, rims, colour), face, 6)
    where = inside(face, photo.shape)
    near = as_u8(cv2.dilate(rims, np.ones((9, 9), np.uint8))) > 0
    assert covered[(rims > 230) & where].mean() > 0.9
    assert covered[~near & where].mean() < 0.03


def test_nothing_of_a_bare_face_is_kept(photo: BgrU8, face: Face) -> None:
    assert not covered_by(stage_that(GlassesMode.KEEP), photo, face, 6).any()


def test_glasses_that_are_taken_off_go_within_two_seconds(photo: BgrU8, face: Face) -> None:
    stage = stage_that(GlassesMode.KEEP)
    picture = wearing(photo, rims_on(photo.shape, face, 0.025), (25, 25, 28))
    assert covered_by(stage, picture, face, 6).any()
    covered_by(stage, photo, face, 9, since=6)
    assert not covered_by(stage, photo, face, 1, since=15).any()


def patch_of(photo: BgrU8, face: Face) -> SwappedFace:
    """A face that was swapped with nobody's: the photo without glasses, on the oval only."""
    alpha = np.where(inside(face, photo.shape), 255, 0).astype(np.uint8)
    left, top, right, bottom = (int(v) for v in face.box_xyxy)
    eye = face.landmarks[33, :2]
    alpha[int(eye[1]) - 4 : int(eye[1]) + 4, : int(eye[0]) + 4] = 0  # a hole that the temple runs through
    place = np.array([[1, 0, left], [0, 1, top]], np.float64)
    return SwappedFace(face.id, photo[top:bottom, left:right].copy(), alpha[top:bottom, left:right], place)


def shown(stage: GlassesStage, picture: BgrU8, photo: BgrU8, face: Face) -> NDArray[np.int16]:
    frame = frame_of(picture, face, patch_of(photo, face))
    for index in range(6):
        frame = stage(frame_of(picture, face, patch_of(photo, face), index))
    composed = CompositeStage()(frame).composed
    assert composed is not None
    return composed.before_marks().astype(np.int16)


@pytest.mark.parametrize(("colour", "wide"), [((25, 25, 28), 0.025), ((60, 50, 130), 0.02)])
def test_where_glasses_go_nothing_of_rims_and_temples_is_left(
    photo: BgrU8, face: Face, colour: tuple[int, int, int], wide: float
) -> None:
    rims = rims_on(photo.shape, face, wide)
    picture = wearing(photo, rims, colour)
    removed = shown(stage_that(GlassesMode.REMOVE), picture, photo, face)
    before = shown(stage_that(GlassesMode.KEEP), picture, photo, face)
    sure = rims > 230

    def left(image: NDArray[np.int16]) -> float:
        return float((np.abs(image - photo).max(axis=2)[sure] > 40).mean())

    assert left(before) > 0.8
    assert left(removed) < 0.08
    far = as_u8(cv2.dilate(rims, np.ones((25, 25), np.uint8))) == 0
    assert np.abs(removed - photo).max(axis=2)[far].mean() < 0.3


def toned(picture: BgrU8, photo: BgrU8, face: Face, mode: GlassesMode) -> NDArray[np.int16]:
    """A darker face that keeps its tone, on somebody in glasses."""
    tone, glasses = ToneStage(), stage_that(mode)
    frame = frame_of(picture, face, patch_of(photo, face))
    for index in range(6):
        patch = patch_of(photo, face)
        darker = replace(patch, crop_bgr=as_u8(np.clip(patch.crop_bgr.astype(np.int16) - 40, 0, 255)))
        frame = glasses(tone(frame_of(picture, face, darker, index)))
    composed = CompositeStage()(frame).composed
    assert composed is not None
    return composed.before_marks().astype(np.int16)


def test_with_a_kept_tone_rims_that_stay_are_the_cameras_and_those_that_go_leave_nothing(
    photo: BgrU8, face: Face
) -> None:
    rims = rims_on(photo.shape, face, 0.025)
    picture, sure = wearing(photo, rims, (25, 25, 28)), rims > 230
    kept = toned(picture, photo, face, GlassesMode.KEEP)
    assert (np.abs(kept - picture).max(axis=2)[sure] > 25).mean() < 0.1
    removed = toned(picture, photo, face, GlassesMode.REMOVE)
    bare = toned(photo, photo, face, GlassesMode.REMOVE)
    assert (np.abs(removed - bare).max(axis=2)[sure] > 40).mean() < 0.08


def test_by_itself_glasses_of_a_large_face_stay_and_of_a_small_one_go(photo: BgrU8, face: Face) -> None:
    picture = wearing(photo, rims_on(photo.shape, face, 0.025), (25, 25, 28))
    assert covered_by(stage_that(GlassesMode.AUTO), picture, face, 6).any()
    small = replace(face, landmarks=as_f32(face.landmarks / 2), box_xyxy=as_f32(face.box_xyxy / 2))
    half = as_u8(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    assert not covered_by(stage_that(GlassesMode.AUTO), half, small, 6).any()


def test_a_face_that_is_forgotten_is_looked_at_anew(photo: BgrU8, face: Face) -> None:
    stage = stage_that(GlassesMode.KEEP)
    picture = wearing(photo, rims_on(photo.shape, face, 0.025), (25, 25, 28))
    assert covered_by(stage, picture, face, 6).any()
    stage(Frame(photo, 6, 10**9 + 6 * LOOK_NS))
    assert not covered_by(stage, photo, face, 1, since=7).any()
