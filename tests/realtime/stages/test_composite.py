"""Compose changes the face's rectangle and nothing else."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.pipeline.frame import Frame
from mien.stages.composite import CompositeStage, lay
from mien_models.types import Retouch, SwappedFace, Warp

RANDOM = np.random.default_rng(1)
FRAME = RANDOM.integers(0, 256, (90, 120, 3), np.uint8)


def composed(crop: np.ndarray, alpha: np.ndarray, frame_from_crop: np.ndarray) -> np.ndarray:
    frame = Frame(FRAME, 0, 0, swapped=(SwappedFace(1, crop, alpha, frame_from_crop),))
    result = CompositeStage()(frame).composed
    assert result is not None
    return result.before_marks()


def at(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y]], np.float64)


def turned(degrees: float, scale: float, x: float, y: float) -> np.ndarray:
    return np.asarray(cv2.getRotationMatrix2D((x, y), degrees, scale), np.float64)


@settings(max_examples=60, deadline=None)
@given(x=st.integers(-50, 130), y=st.integers(-50, 100), width=st.integers(1, 60), height=st.integers(1, 60))
def test_a_moved_crop_replaces_exactly_the_pixels_it_covers(x: int, y: int, width: int, height: int) -> None:
    crop = RANDOM.integers(0, 256, (height, width, 3), np.uint8)
    expected = FRAME.copy()
    rows, columns = slice(max(0, y), max(0, y + height)), slice(max(0, x), max(0, x + width))
    expected[rows, columns] = crop[max(0, -y) : max(0, 90 - y), max(0, -x) : max(0, 120 - x)]
    np.testing.assert_array_equal(composed(crop, np.full((height, width), 255, np.uint8), at(x, y)), expected)


@settings(max_examples=40, deadline=None)
@given(
    angle=st.floats(-180, 180),
    scale=st.floats(0.1, 3),
    x=st.floats(-80, 200),
    y=st.floats(-80, 200),
    seed=st.integers(0, 99),
)
def test_outside_the_alpha_the_frame_is_bit_identical(
    angle: float, scale: float, x: float, y: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    crop = random.integers(0, 256, (32, 32, 3), np.uint8)
    alpha = np.zeros((32, 32), np.uint8)
    alpha[8:24, 8:24] = 255
    matrix = turned(angle, scale, 16, 16) + np.array([[0, 0, x], [0, 0, y]])
    result = composed(crop, alpha, matrix)
    touched = cv2.warpAffine(alpha, matrix, (120, 90), flags=cv2.INTER_LINEAR)
    reach = np.asarray(cv2.dilate(touched, np.ones((3, 3), np.uint8))) > 0
    np.testing.assert_array_equal(result[~reach], FRAME[~reach])


def test_half_alpha_is_half_of_each() -> None:
    crop = np.full((10, 10, 3), 200, np.uint8)
    result = composed(crop, np.full((10, 10), 128, np.uint8), at(5, 5))
    expected = 200 * 128 / 255 + FRAME[5:15, 5:15] * (127 / 255)
    assert np.abs(result[5:15, 5:15] - expected).max() <= 1


def test_a_flat_crop_warped_over_itself_changes_nothing() -> None:
    flat = np.full((90, 120, 3), 77, np.uint8)
    frame = Frame(
        flat, 0, 0, swapped=(SwappedFace(1, flat, np.full((90, 120), 255, np.uint8), turned(30, 0.5, 60, 45)),)
    )
    result = CompositeStage()(frame).composed
    assert result is not None
    assert np.abs(result.before_marks().astype(int) - flat).max() <= 1


def test_the_frame_itself_is_never_written_into() -> None:
    kept = FRAME.copy()
    composed(np.zeros((40, 40, 3), np.uint8), np.full((40, 40), 255, np.uint8), at(10, 10))
    np.testing.assert_array_equal(FRAME, kept)


def test_without_a_swapped_face_nothing_is_composed() -> None:
    assert CompositeStage()(Frame(FRAME, 0, 0)).composed is None


def test_a_small_crop_enlarged_over_a_large_face_lands_where_a_plain_warp_puts_it() -> None:
    rows, columns = np.mgrid[0:24, 0:24]
    crop = np.dstack([rows * 10, columns * 10, (rows + columns) * 5]).astype(np.uint8)
    alpha = np.full((24, 24), 255, np.uint8)
    matrix = turned(12, 3.3, 12, 12) + np.array([[0, 0, 40.3], [0, 0, 30.7]])
    plain = cv2.warpAffine(crop, matrix, (120, 90), flags=cv2.INTER_LINEAR)
    covered = np.asarray(cv2.erode(cv2.warpAffine(alpha, matrix, (120, 90)), np.ones((9, 9), np.uint8))) == 255
    difference = np.abs(composed(crop, alpha, matrix).astype(int) - plain)[covered]
    assert np.count_nonzero(covered) > 2000
    assert difference.max() <= 3


def test_a_crop_of_hard_edges_enlarged_over_a_large_face_is_as_a_plain_warp_makes_it() -> None:
    crop = np.repeat(np.where(np.indices((24, 24)).sum(axis=0) % 2 == 0, 0, 255)[..., None], 3, axis=2).astype(np.uint8)
    alpha = np.full((24, 24), 255, np.uint8)
    matrix = turned(7, 4.6, 12, 12) + np.array([[0, 0, 45.3], [0, 0, 33.7]])
    plain = cv2.warpAffine(crop, matrix, (120, 90), flags=cv2.INTER_LINEAR)
    covered = np.asarray(cv2.erode(cv2.warpAffine(alpha, matrix, (120, 90)), np.ones((9, 9), np.uint8))) == 255
    assert np.abs(composed(crop, alpha, matrix).astype(int) - plain)[covered].max() <= 2


def test_the_frame_is_bent_under_the_crop_and_nowhere_else() -> None:
    shift = np.zeros((6, 8, 2), np.float32)
    shift[1:-1, 1:-1] = (4, -3)
    crop, alpha = np.full((8, 8, 3), 9, np.uint8), np.full((8, 8), 255, np.uint8)
    warp = Warp(30, 20, 64, 48, shift)
    frame = Frame(FRAME, 0, 0, swapped=(SwappedFace(1, crop, alpha, at(50, 40), warp),))
    picture = CompositeStage()(frame).composed
    assert picture is not None
    result = picture.before_marks()
    assert (result[40:48, 50:58] == 9).all()
    np.testing.assert_array_equal(result[49:52, 50:70], FRAME[46:49, 54:74])
    result[20:68, 30:94] = FRAME[20:68, 30:94]
    np.testing.assert_array_equal(result, FRAME)


def test_what_makes_an_alpha_smaller_shows_the_frame_as_it_was_retouched_and_warped() -> None:
    grey = np.full((90, 120, 3), 60, np.uint8)
    painted, where = np.full((30, 40, 3), 200, np.uint8), np.zeros((30, 40), np.uint8)
    where[10:20, 10:20] = 1
    shift = np.zeros((3, 3, 2), np.float32)
    shift[1, 1] = (-6, 0)  # what is in the middle comes from six pixels to the left
    warp = Warp(40, 20, 60, 60, shift)
    hidden = SwappedFace(1, grey, np.zeros((90, 120), np.uint8), at(0, 0), warp, (Retouch(painted, where, 50, 30),))
    result = CompositeStage()(Frame(grey, 0, 0, swapped=(hidden,))).composed
    assert result is not None
    retouched = grey.copy()
    retouched[40:50, 60:70] = 200
    expected = retouched.copy()
    expected[20:80, 40:100] = warp.warped(retouched)
    np.testing.assert_array_equal(result.before_marks(), expected)
    assert (expected != retouched).any()


def test_no_faces_surroundings_are_painted_over_another_face() -> None:
    crop, opaque = np.full((20, 20, 3), 250, np.uint8), np.full((20, 20), 255, np.uint8)
    first = SwappedFace(1, crop, opaque, at(10, 10))
    around = Retouch(np.zeros((90, 120, 3), np.uint8), np.full((90, 120), 255, np.uint8), 0, 0)
    second = SwappedFace(2, crop, opaque, at(60, 10), retouches=(around,))
    result = CompositeStage()(Frame(FRAME, 0, 0, swapped=(first, second))).composed
    assert result is not None
    np.testing.assert_array_equal(result.before_marks()[10:30, 10:30], crop)


def test_a_retouch_that_is_looked_at_in_part_is_laid_where_it_belongs() -> None:
    retouch = Retouch(RANDOM.integers(0, 256, (30, 40, 3), np.uint8), np.full((30, 40), 255, np.uint8), 50, 30)
    whole = FRAME.copy()
    lay(whole, retouch)
    for rows, columns in ((slice(0, 35), slice(0, 55)), (slice(45, 90), slice(80, 120)), (slice(0, 10), slice(0, 9))):
        part = FRAME[rows, columns].copy()
        lay(part, retouch, columns.start, rows.start)
        np.testing.assert_array_equal(part, whole[rows, columns])
