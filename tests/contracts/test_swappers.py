"""Every swapper there is, on a real face: the public-domain astronaut."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage

from mien.follow.still import find_faces
from mien_models.arrays import BgrU8, as_f32, as_u8
from mien_models.contracts import Swapper, SwapperFactory
from mien_models.faces import Face, SourceFace, SwappedFace
from mien_models.options import SwapOptions
from mien_models.plugins import Plugins

SWAPPERS: Plugins[SwapperFactory] = Plugins("mien_models.swappers", "swapper")


@pytest.fixture(scope="module")
def photo() -> BgrU8:
    path = Path(skimage.__file__).parent / "data" / "astronaut.png"
    return as_u8(np.asarray(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)))


@pytest.fixture(scope="module")
def face(photo: BgrU8) -> Face:
    return find_faces(photo)[0]


@pytest.fixture(params=SWAPPERS.names())
def swapper(request: pytest.FixtureRequest, photo: BgrU8, face: Face) -> Swapper:
    return SWAPPERS.load(request.param)(SourceFace.of(photo, face), SwapOptions())


@pytest.fixture(params=SWAPPERS.names())
def longer_faced(request: pytest.FixtureRequest, photo: BgrU8, face: Face) -> dict[float, Swapper]:
    """The swapper at both ends of the slider, for a photo of a face a fifth longer than the target's."""
    long = as_u8(np.asarray(cv2.resize(photo, None, fx=1, fy=1.2)))
    stretched = Face(face.id, face.box_xyxy, as_f32(face.landmarks * np.array([1, 1.2, 1])), face.pose, face.score)
    factory = SWAPPERS.load(request.param)
    return {shape: factory(SourceFace.of(long, stretched), SwapOptions(shape=shape)) for shape in (0.0, 1.0)}


def placed_at(photo: BgrU8, face: Face, x: int, y: int) -> tuple[BgrU8, Face]:
    """The photo moved over a grey frame of the same size, and the face in its new place."""
    frame = np.full_like(photo, 96)
    height, width = photo.shape[:2]
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
    cv2.warpAffine(photo, matrix, (width, height), dst=frame, borderMode=cv2.BORDER_TRANSPARENT)
    moved = face.landmarks + np.array([x, y, 0], np.float32)
    box = face.box_xyxy + np.array([x, y, x, y], np.float32)
    return frame, Face(face.id, box, moved, face.pose, face.score)


def test_a_swap_covers_the_face_and_nothing_beyond_its_surroundings(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    swapped = swapper.swap(photo, face, captured_ns=0)
    assert swapped.face_id == face.id
    left, top = swapped.frame_from_crop[:, 2]
    rows, columns = np.nonzero(swapped.alpha > 127)
    grown = 0.15 * face.width_px
    assert columns.min() + left > face.box_xyxy[0] - grown
    assert columns.max() + left < face.box_xyxy[2] + grown
    assert rows.min() + top > face.box_xyxy[1] - grown
    assert rows.max() + top < face.box_xyxy[3] + grown
    assert len(rows) > 0.4 * (face.width_px**2)


def test_wearing_ones_own_face_changes_little(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    swapped = swapper.swap(photo, face, captured_ns=0)
    left, top = swapped.frame_from_crop[:, 2].astype(int)
    height, width = swapped.alpha.shape
    region = photo[top : top + height, left : left + width]
    difference = (swapped.crop_bgr.astype(int) - region)[swapped.alpha > 250]
    # The tone as a whole is the colour method's business; the photo's light is exchanged for the frame's, coarsely.
    assert np.median(np.abs(difference - np.median(difference, axis=0))) <= 12
    assert np.abs(np.median(difference, axis=0)).max() <= 15


def test_frame_and_landmarks_are_only_read(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    frame, landmarks = photo.copy(), face.landmarks.copy()
    swapper.swap(frame, face, captured_ns=0)
    np.testing.assert_array_equal(frame, photo)
    np.testing.assert_array_equal(face.landmarks, landmarks)


@pytest.mark.parametrize(("x", "y"), [(-230, 0), (300, 0), (0, -130), (0, 420), (-400, -400)])
def test_a_face_over_the_frames_edge_is_swapped_as_far_as_it_is_seen(
    swapper: Swapper, photo: BgrU8, face: Face, x: int, y: int
) -> None:
    frame, moved = placed_at(photo, face, x, y)
    swapped = swapper.swap(frame, moved, captured_ns=0)
    assert swapped.crop_bgr.shape[:2] == swapped.alpha.shape


def test_a_sliver_of_a_face_is_swapped_as_the_same_part_of_the_whole(
    swapper: Swapper, photo: BgrU8, face: Face
) -> None:
    large = as_u8(np.asarray(cv2.resize(photo, None, fx=4, fy=4)))
    whole_face = Face(face.id, face.box_xyxy * 4, face.landmarks * 4, face.pose, face.score)
    whole = swapper.swap(large, whole_face, captured_ns=0)
    cut = int(whole.frame_from_crop[0, 2]) + whole.alpha.shape[1] // 2 + 1
    sliver = swapper.swap(np.ascontiguousarray(large[:, :cut]), whole_face, captured_ns=0)
    columns = sliver.alpha.shape[1]
    # Cut by the frame's edge, the bend is found on another grid: up to a pixel, which is a tenth of the outline's fade.
    in_frame = [
        cv2.warpAffine(swapped.alpha, swapped.frame_from_crop, large.shape[1::-1]).astype(int)[:, : cut - 6]
        for swapped in (sliver, whole)
    ]
    assert columns < 0.6 * whole.alpha.shape[1]
    assert np.abs(in_frame[0] - in_frame[1]).max() <= 32
    narrow = swapper.swap(
        np.ascontiguousarray(large[:, : int(whole.frame_from_crop[0, 2]) + 4]), whole_face, captured_ns=0
    )
    assert abs(narrow.alpha.shape[0] - whole.alpha.shape[0]) <= 1


def test_the_same_frame_gives_the_same_swap(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    first = swapper.swap(photo, face, captured_ns=0)
    again = swapper.swap(photo, face, captured_ns=33_000_000)
    assert np.abs(first.crop_bgr.astype(int) - again.crop_bgr).max() <= 1
    np.testing.assert_array_equal(first.alpha, again.alpha)


def test_a_forgotten_face_starts_anew(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    first = swapper.swap(photo, face, captured_ns=0)
    swapper.swap(as_u8(photo // 3), face, captured_ns=33_000_000)
    swapper.forget(face.id)
    swapper.forget(face.id)
    anew = swapper.swap(photo, face, captured_ns=66_000_000)
    np.testing.assert_array_equal(first.crop_bgr, anew.crop_bgr)


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
    bend = swapped.bend
    if bend is not None:
        rows, columns = slice(bend.top, bend.top + bend.height), slice(bend.left, bend.left + bend.width)
        changed[rows, columns] = (bend.bent(frame) != frame[rows, columns]).any(axis=2)
    return changed


def test_with_the_wearers_own_shape_nothing_is_bent(
    longer_faced: dict[float, Swapper], photo: BgrU8, face: Face
) -> None:
    assert longer_faced[0.0].swap(photo, face, captured_ns=0).bend is None


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


def test_no_stray_line_is_drawn_outside_the_face(swapper: Swapper, photo: BgrU8, face: Face) -> None:
    large = as_u8(np.asarray(cv2.resize(photo, None, fx=3, fy=3)))
    face = Face(face.id, face.box_xyxy * 3, face.landmarks * 3, face.pose, face.score)
    swapped = swapper.swap(large, face, captured_ns=0)
    hull = cv2.convexHull(face.landmarks[:, :2] - swapped.frame_from_crop[:, 2].astype(np.float32))
    inside = np.zeros_like(swapped.alpha)
    cv2.fillConvexPoly(inside, np.round(hull).astype(np.int32), (255,))
    around = as_u8(np.asarray(cv2.dilate(inside, np.ones((9, 9), np.uint8))))
    assert swapped.alpha[around == 0].max(initial=0) == 0
