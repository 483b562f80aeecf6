"""Folds that come and go on the target."""

import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import Unwrapped, atlas_points_px, unwrapper
from mien_models.swappers.mesh.relight import FOLDS_PX, ExpressionFilter
from mien_models.types import as_f32

FRAME_S = 1 / 30
FOLD = (slice(20, 22), slice(20, 44))
FAR = (slice(40, 60), slice(20, 44))


def skin(*, with_fold: bool = False, gain: float = 1.0) -> Unwrapped:
    """A face with features of its own, in a light that falls off to one side."""
    column, row = np.meshgrid(np.arange(FOLDS_PX), np.arange(FOLDS_PX))
    grey = (90 + column) * (1 + 0.1 * np.sin(row / 2)) * gain
    if with_fold:
        grey[FOLD] *= 0.7
    bgr = np.repeat(np.clip(grey, 0, 255)[..., None], 3, axis=2).astype(np.uint8)
    return Unwrapped(bgr, np.ones((FOLDS_PX, FOLDS_PX), np.float32))


def shown(tracker: ExpressionFilter, face: Unwrapped, frames: int) -> NDArray[np.float32]:
    return as_f32([tracker.change(face, FRAME_S) for _ in range(frames)][-1])


def test_what_a_face_always_has_changes_nothing() -> None:
    assert not shown(ExpressionFilter(), skin(with_fold=True), 60).any()


def test_a_fold_that_comes_is_shown_where_it_is_and_goes_with_the_expression() -> None:
    tracker = ExpressionFilter()
    shown(tracker, skin(), 60)
    change = shown(tracker, skin(with_fold=True), 3)
    assert change[FOLD].max() < -0.08
    assert abs(change[FAR]).max() < 0.03
    assert abs(shown(tracker, skin(), 3)[FOLD]).max() < 0.03


def test_a_fold_that_stays_becomes_the_faces_own() -> None:
    tracker = ExpressionFilter()
    shown(tracker, skin(), 60)
    assert abs(shown(tracker, skin(with_fold=True), 30 * 20)[FOLD]).max() < 0.03


def test_more_light_is_no_expression() -> None:
    tracker = ExpressionFilter()
    shown(tracker, skin(), 60)
    assert abs(shown(tracker, skin(gain=1.4), 3)).max() < 0.03


def test_a_first_look_shows_nothing_and_what_is_not_seen_is_not_judged() -> None:
    tracker = ExpressionFilter()
    assert not tracker.change(skin(with_fold=True), FRAME_S).any()
    shown(tracker, skin(), 60)
    hidden = Unwrapped(skin(with_fold=True).bgr, np.zeros((FOLDS_PX, FOLDS_PX), np.float32))
    assert not tracker.change(hidden, FRAME_S).any()


def test_a_face_that_lies_flat_already_is_unwrapped_as_it_is() -> None:
    at_px = atlas_points_px(64) * 4 + 1.5
    picture = np.zeros((256, 256, 3), np.uint8)
    picture[:, :, 0], picture[:, :, 2] = np.arange(256)[None, :], np.arange(256)[:, None]
    face = unwrapper(64)(picture, at_px, np.ones(len(at_px), np.float32))
    inside = face.seen > 0.99
    column, row = np.meshgrid(np.arange(64) * 4 + 1.5, np.arange(64) * 4 + 1.5)
    assert np.count_nonzero(inside) > 1500
    assert abs(face.bgr[..., 0] - column)[inside].max() < 3
    assert abs(face.bgr[..., 2] - row)[inside].max() < 3


def test_lashes_that_come_down_over_an_eye_are_no_fold_below_it() -> None:
    tracker, lashes = ExpressionFilter(), skin()
    shown(tracker, skin(), 60)
    x, y, _ = atlas_points_px(FOLDS_PX)[145]
    over = (slice(round(float(y)) - 1, round(float(y)) + 1), slice(round(float(x)) - 2, round(float(x)) + 3))
    lashes.bgr[over] //= 3
    assert abs(shown(tracker, lashes, 3)).max() < 0.05
