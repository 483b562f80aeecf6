"""What the mesh swapper alone promises, on a real face: the public-domain astronaut."""

import cv2
import numpy as np
import pytest

from mien_models.interfaces import Swapper
from mien_models.swappers.mesh import PLUGIN
from mien_models.types import BgrU8, Face, SourceFace, SwapOptions, SwappedFace, as_f32, as_u8


@pytest.fixture
def swapper(photo: BgrU8, face: Face) -> Swapper:
    return PLUGIN(SourceFace.of(photo, face), SwapOptions())


@pytest.fixture
def longer_faced(photo: BgrU8, face: Face) -> dict[float, Swapper]:
    """The swapper at both ends of the slider, for a photo of a face a fifth longer than the target's."""
    long = as_u8(np.asarray(cv2.resize(photo, None, fx=1, fy=1.2)))
    stretched = Face(face.id, face.box_xyxy, as_f32(face.landmarks * np.array([1, 1.2, 1])), face.pose, face.score)
    return {shape: PLUGIN(SourceFace.of(long, stretched), SwapOptions(shape=shape)) for shape in (0.0, 1.0)}


def placed_at(photo: BgrU8, face: Face, x: int, y: int) -> tuple[BgrU8, Face]:
    """The photo moved over a grey frame of the same size, and the face in its new place."""
    frame = np.full_like(photo, 96)
    height, width = photo.shape[:2]
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
    cv2.warpAffine(photo, matrix, (width, height), dst=frame, borderMode=cv2.BORDER_TRANSPARENT)
    moved = face.landmarks + np.array([x, y, 0], np.float32)
    box = face.box_xyxy + np.array([x, y, x, y], np.float32)
    return frame, Face(face.id, box, moved, face.pose, face.score)


def test_a_sliver_of_a_face_is_swapped_as_the_same_part_of_the_whole(
    swapper: Swapper, photo: BgrU8, face: Face
) -> None:
    large = as_u8(np.asarray(cv2.resize(photo, None, fx=4, fy=4)))
    whole_face = Face(face.id, face.box_xyxy * 4, face.landmarks * 4, face.pose, face.score)
    whole = swapper.swap(large, whole_face, captured_ns=0)
    cut = int(whole.frame_from_crop[0, 2]) + whole.alpha.shape[1] // 2 + 1
    sliver = swapper.swap(np.ascontiguousarray(large[:, :cut]), whole_face, captured_ns=0)
    columns = sliver.alpha.shape[1]
    # Cut by the frame's edge, the bend is found on another grid: up to a pixel, which is a tenth of the outline's fade,
    # and more in the corners of the eyes.
    in_frame = [
        cv2.warpAffine(swapped.alpha, swapped.frame_from_crop, large.shape[1::-1]).astype(int)[:, : cut - 6]
        for swapped in (sliver, whole)
    ]
    assert columns < 0.6 * whole.alpha.shape[1]
    off = np.abs(in_frame[0] - in_frame[1])
    assert np.count_nonzero(off > 32) < 10
    assert off.max() < 64
    narrow = swapper.swap(
        np.ascontiguousarray(large[:, : int(whole.frame_from_crop[0, 2]) + 4]), whole_face, captured_ns=0
    )
    assert abs(narrow.alpha.shape[0] - whole.alpha.shape[0]) <= 1


def test_eyes_and_an_open_mouth_stay_the_targets(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    opened = face.landmarks.copy()
    opened[[87, 14, 317, 178, 402, 88, 318, 95, 324], 1] += 0.08 * face.width_px
    talking = Face(face.id, face.box_xyxy, opened, face.pose, face.score)
    swapped = swapper.swap(photo, talking, captured_ns=0)
    for contour in ((159, 145), (386, 374), (13, 14)):
        x, y = opened[list(contour), :2].mean(axis=0) - swapped.frame_from_crop[:, 2]
        assert swapped.alpha[round(y), round(x)] < 64


def changed_by_bend(frame: BgrU8, swapped: SwappedFace) -> np.ndarray:
    """Where the bend changes the frame: (height, width), true or false."""
    changed = np.zeros(frame.shape[:2], bool)
    warp = swapped.warp
    if warp is not None:
        rows, columns = slice(warp.top, warp.top + warp.height), slice(warp.left, warp.left + warp.width)
        changed[rows, columns] = (warp.warped(frame) != frame[rows, columns]).any(axis=2)
    return changed


def test_with_the_targets_own_shape_nothing_is_warped(
    longer_faced: dict[float, Swapper], photo: BgrU8, face: Face
) -> None:
    assert longer_faced[0.0].swap(photo, face, captured_ns=0).warp is None


@pytest.mark.parametrize(("x", "y"), [(0, 0), (-200, 0), (0, -130), (250, 60)])
def test_a_bend_lies_in_the_frame_and_ends_near_the_face(
    longer_faced: dict[float, Swapper], photo: BgrU8, face: Face, x: int, y: int
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, photo.shape, np.uint8)
    _, moved = placed_at(photo, face, x, y)
    changed = changed_by_bend(noise, longer_faced[1.0].swap(noise, moved, captured_ns=0))
    hull = cv2.convexHull(np.ascontiguousarray(moved.landmarks[:, :2]))
    outside = np.ones(photo.shape[:2], np.uint8)
    cv2.fillConvexPoly(outside, np.round(hull).astype(np.int32), (0,))
    five = moved.five_points
    reach_px = 0.45 * float(np.linalg.norm(five[1] - five[0]))
    assert not changed[np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, 5)) > reach_px].any()
