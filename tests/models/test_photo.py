"""What is made of photos: even light, no glasses, no hair, no teeth; sides from other photos or the other half."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage
from numpy.typing import NDArray

from mien.tracking.geometry import head_pose
from mien.tracking.photo import find_faces
from mien_models.geometry.face_mesh import face_topology, filled, rasterise
from mien_models.geometry.face_regions import (
    BROW_LEFT,
    BROW_RIGHT,
    CHEEKS,
    EYE_LEFT,
    EYE_RIGHT,
    FACE_CORE,
    LIPS_INNER,
    LIPS_OUTER,
    NOSE_BRIDGE,
)
from mien_models.swappers.mesh.delight import SIDE_PX, levels, light_on, logarithm
from mien_models.swappers.mesh.multi_view import understand
from mien_models.swappers.mesh.texture import BROW_COVERED, UNKNOWN_COVERED, bake, texture_of
from mien_models.swappers.mesh.unwrap_photo import lay_flat
from mien_models.types import BgrU8, Face, FaceView, MaskU8, SourceFace, as_f32, as_u8


@pytest.fixture(scope="module")
def photo() -> BgrU8:
    path = Path(skimage.__file__).parent / "data" / "astronaut.png"
    picture = as_u8(np.asarray(cv2.imread(str(path))))[0:256, 96:352]
    return as_u8(cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))


@pytest.fixture(scope="module")
def face(photo: BgrU8) -> Face:
    return find_faces(photo)[0]


@pytest.fixture(scope="module")
def plain(photo: BgrU8, face: Face) -> BgrU8:
    return bake(SourceFace.of(photo, face)).bgr


def drawn_line(photo: BgrU8, points: NDArray[np.float32], closed: bool) -> None:
    cv2.polylines(photo, [np.round(points).astype(np.int32)], closed, (25, 25, 30), 5, cv2.LINE_AA)


def with_glasses(photo: BgrU8, face: Face) -> BgrU8:
    """Two round rims below the brows and a bridge."""
    in_use = photo.copy()
    xy = face.landmarks[:, :2]
    for inner, outer in ((133, 33), (362, 263)):
        centre, radius = (xy[inner] + xy[outer]) / 2, 0.85 * float(np.linalg.norm(xy[inner] - xy[outer]))
        turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        drawn_line(
            in_use, as_f32(centre + [0, 6] + radius * np.stack([np.cos(turn), 0.8 * np.sin(turn)], axis=1)), True
        )
    drawn_line(in_use, as_f32(np.stack([xy[245], xy[6], xy[465]])), False)
    return in_use


def mean_in(bgr: BgrU8, mask: MaskU8) -> NDArray[np.float64]:
    small = cv2.resize(bgr, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small[mask > 0].mean(axis=0), np.float64)


def sides(bgr: BgrU8) -> float:
    """How much brighter the left cheek is than the right one."""
    left, right = (mean_in(bgr, filled((cheek,), SIDE_PX)).mean() for cheek in CHEEKS)
    return float(left / right)


@pytest.mark.parametrize("strongest", [0.35, 0.55])
def test_side_light_is_taken_off(photo: BgrU8, face: Face, plain: BgrU8, strongest: float) -> None:
    left, right = float(face.box_xyxy[0]), float(face.box_xyxy[2])
    across = np.clip((np.arange(photo.shape[1], dtype=np.float32) - left) / (right - left), 0, 1)
    shade = 1 + across * (strongest - 1)
    shaded = as_u8(photo * shade[None, :, None])
    shaded_flat = lay_flat(FaceView(shaded, face), SIDE_PX).bgr
    assert sides(shaded_flat) > 1.2
    baked = bake(SourceFace.of(shaded, face)).bgr
    assert np.log(sides(baked) / sides(plain)) < 0.2 * np.log(sides(shaded_flat))
    core = filled((FACE_CORE,), SIDE_PX)
    tone = mean_in(plain, core) / mean_in(baked, core)
    off = np.abs(as_f32(baked) * as_f32(tone) - plain).mean()
    as_lit = np.abs(as_f32(cv2.resize(shaded_flat, baked.shape[:2])) * as_f32(tone) - plain)
    assert off < 0.4 * as_lit[cv2.resize(core, baked.shape[:2]) > 0].mean()


def test_lips_and_brows_are_not_taken_for_shadow(photo: BgrU8, face: Face, plain: BgrU8) -> None:
    flat = lay_flat(FaceView(photo, face), SIDE_PX).bgr
    cheeks = filled(CHEEKS, SIDE_PX)
    for feature in ((LIPS_OUTER,), (BROW_LEFT, BROW_RIGHT)):
        mask = filled(feature, SIDE_PX) & ~filled((LIPS_INNER,), SIDE_PX)
        before, after = (mean_in(bgr, mask) / mean_in(bgr, cheeks) for bgr in (flat, plain))
        np.testing.assert_allclose(after, before, atol=0.1)


def test_light_is_found_as_bright_as_it_is(photo: BgrU8, face: Face) -> None:
    flat = as_f32(lay_flat(FaceView(photo, face), SIDE_PX).bgr)
    trust = as_f32(filled((FACE_CORE,), SIDE_PX)) / 255
    contrast = light_on(logarithm(flat), as_f32(trust)).contrast
    ramp = as_f32(np.linspace(1, 0.3, SIDE_PX))[None, :, None]
    assert contrast < 1.6
    assert light_on(logarithm(as_f32(flat * ramp)), as_f32(trust)).contrast > 1.25 * contrast


def test_rims_of_glasses_go_and_brows_stay(photo: BgrU8, face: Face, plain: BgrU8) -> None:
    in_use = with_glasses(photo, face)
    assert not understand(FaceView(photo, face), SIDE_PX).skin.glasses.any()
    assert understand(FaceView(in_use, face), SIDE_PX).skin.glasses.any()
    baked = bake(SourceFace.of(in_use, face)).bgr
    bridge = filled((NOSE_BRIDGE,), SIDE_PX)
    darkest = [
        float(np.percentile(cv2.resize(bgr, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)[bridge > 0], 2))
        for bgr in (lay_flat(FaceView(in_use, face), SIDE_PX).bgr, baked, plain)
    ]
    assert darkest[0] < 0.5 * darkest[2]
    assert darkest[1] > 0.8 * darkest[2]
    brows = filled((BROW_LEFT, BROW_RIGHT), SIDE_PX)
    np.testing.assert_allclose(mean_in(baked, brows), mean_in(plain, brows), rtol=0.1)


def test_what_lies_between_a_rim_and_an_eye_is_the_faces_own(photo: BgrU8, face: Face) -> None:
    glasses = understand(FaceView(with_glasses(photo, face), face), SIDE_PX).skin.glasses > 0
    sheet = with_glasses(as_u8(np.full_like(photo, 255)), face)
    drawn = lay_flat(FaceView(sheet, face), SIDE_PX).bgr.min(axis=2) < 140
    inside = (filled((FACE_CORE,), SIDE_PX) > 0) & (cv2.dilate(as_u8(drawn), np.ones((9, 9), np.uint8)) == 0)
    assert (glasses & drawn).sum() > 0.8 * (drawn & (filled((BROW_LEFT, BROW_RIGHT), SIDE_PX) == 0)).sum()
    assert (glasses & inside).sum() < 0.05 * drawn.sum()


@pytest.mark.parametrize(
    ("lost", "least", "most"),
    [((BROW_LEFT, BROW_RIGHT), 255 * BROW_COVERED * UNKNOWN_COVERED, 255 * BROW_COVERED), ((BROW_RIGHT,), 255, 255)],
)
def test_brows_that_no_photo_shows_stay_the_targets_and_one_that_is_seen_serves_for_both(
    photo: BgrU8, face: Face, lost: tuple[tuple[int, ...], ...], least: float, most: float
) -> None:
    view = understand(FaceView(photo, face), SIDE_PX)
    hidden = as_u8(cv2.dilate(filled(lost, SIDE_PX), np.ones((5, 5), np.uint8)))
    skin = replace(view.skin, trust=as_f32(np.where(hidden > 0, 0, view.skin.trust)))
    in_use = texture_of((replace(view, skin=skin),))
    alpha = np.median(in_use.alpha()[filled((BROW_LEFT, BROW_RIGHT), SIDE_PX) > 0])
    assert round(least) <= alpha <= round(most)


def test_the_eyes_are_wider_open_on_small_faces(photo: BgrU8, face: Face) -> None:
    texture = bake(SourceFace.of(photo, face))
    around = as_u8(cv2.dilate(filled((EYE_LEFT, EYE_RIGHT), texture.side_px), np.ones((9, 9), np.uint8)))
    large, small = (float(texture.alpha(pixel)[around > 0].mean()) for pixel in (1 / 300, 1 / 60))
    assert small < 0.8 * large
    outside = ~as_u8(cv2.dilate(around, np.ones((41, 41), np.uint8)))
    np.testing.assert_array_equal(texture.alpha(1 / 300)[outside > 0], texture.alpha(1 / 60)[outside > 0])


def test_hair_over_the_forehead_becomes_skin(photo: BgrU8, face: Face, plain: BgrU8) -> None:
    strip = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    strip[round(0.16 * SIDE_PX) : round(0.2 * SIDE_PX), round(0.45 * SIDE_PX) : round(0.55 * SIDE_PX)] = 255
    cheeks = mean_in(plain, filled(CHEEKS, SIDE_PX)).mean()
    assert mean_in(lay_flat(FaceView(photo, face), SIDE_PX).bgr, strip).mean() < 0.75 * cheeks
    assert mean_in(plain, strip).mean() > 0.8 * cheeks


def with_long_hair(photo: BgrU8, face: Face) -> BgrU8:
    """Dark hair beside the face, and fainter strands of it between there and the eyes."""
    shown = photo.astype(np.float32)
    rows, columns = np.indices(photo.shape[:2])
    wide = face.width_px
    for corner, outwards in ((33, -1), (263, 1)):
        x, y = face.landmarks[corner, :2]
        away = (columns - x) * outwards / wide
        beside = (rows > y - 0.45 * wide) & (rows < y + 0.35 * wide)
        strands = np.where(columns // 4 % 2 == 0, 0.76, 0.96)
        for where, factor in ((away > 0.1, strands * 0.6), ((away > 0.045) & (away <= 0.1), strands)):
            shown[where & beside] *= factor[where & beside, None]
    return np.clip(shown, 0, 255).astype(np.uint8)


def test_strands_of_hair_beside_the_eyes_leave_no_streaks(photo: BgrU8, face: Face, plain: BgrU8) -> None:
    hair = with_long_hair(photo, face)
    temples = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    for corner, outwards in ((33, -1), (263, 1)):
        x, y = (face_topology().atlas[corner] * SIDE_PX).tolist()
        first = round(x + outwards * 0.035 * SIDE_PX)
        left, right = sorted((first, first + outwards * round(0.03 * SIDE_PX)))
        temples[round(y + 0.01 * SIDE_PX) : round(y + 0.07 * SIDE_PX), left:right] = 255
    without, flat, baked = (
        mean_in(bgr, temples).mean()
        for bgr in (plain, lay_flat(FaceView(hair, face), SIDE_PX).bgr, bake(SourceFace.of(hair, face)).bgr)
    )
    assert flat < 0.9 * without
    assert baked > 0.98 * without


def test_teeth_do_not_show_on_lips(photo: BgrU8, face: Face, plain: BgrU8) -> None:
    mouth = filled((LIPS_INNER,), SIDE_PX)
    flat = lay_flat(FaceView(photo, face), SIDE_PX).bgr
    lips = filled((LIPS_OUTER,), SIDE_PX) & ~as_u8(cv2.dilate(mouth, np.ones((9, 9), np.uint8)))
    teeth, lip, closed = mean_in(flat, mouth), mean_in(flat, lips), mean_in(plain, mouth)
    assert np.linalg.norm(closed - lip) < 0.5 * np.linalg.norm(teeth - lip)


def half_hidden(view: FaceView) -> FaceView:
    """The picture's right half of the face behind something green."""
    hidden = view.photo_bgr.copy()
    hidden[:, int(view.face.landmarks[1, 0] + 0.24 * view.face.width_px) :] = (40, 200, 60)
    return FaceView(hidden, view.face)


def turned(texture_bgr: BgrU8, yaw_deg: float) -> FaceView:
    """A photo of the average head with that skin, turned."""
    turn, side_px = np.deg2rad(yaw_deg), 400
    topology = face_topology()
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    points_cm = topology.canonical_cm * np.array([1, -1, -1])
    landmarks = as_f32(points_cm @ rotation.T * (side_px / 22) + [side_px / 2, side_px / 2, 0])
    attributes = np.ones((len(topology.atlas), 3), np.float32)
    attributes[:, :2] = topology.atlas
    at = rasterise(topology.with_rim(landmarks), topology.triangles, attributes, width=side_px, height=side_px)
    at_px = at[..., :2] * len(texture_bgr) - 0.5
    drawn = as_u8(cv2.remap(texture_bgr, at_px[..., 0], at_px[..., 1], cv2.INTER_LINEAR))
    drawn[at[..., 2] == 0] = (30, 30, 30)
    box = np.concatenate([landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)])
    return FaceView(drawn, Face(0, box, landmarks, head_pose(landmarks), 1.0))


@pytest.mark.parametrize("dimmed", [1.0, 0.6])
def test_a_second_photo_shows_the_side_that_the_first_one_does_not(plain: BgrU8, dimmed: float) -> None:
    spot = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    cv2.circle(spot, (round(0.3 * SIDE_PX), round(0.62 * SIDE_PX)), 6, (255,), -1)
    skin = as_u8(cv2.resize(plain, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA))
    skin[spot > 0] = skin[spot > 0] * 0.87
    there, away = (turned(skin, yaw) for yaw in (-38, 38))
    other = FaceView(as_u8(there.photo_bgr * dimmed), there.face)
    seen = [as_f32(cv2.resize(lay_flat(view, SIDE_PX).seen, (SIDE_PX, SIDE_PX))) for view in (there, away)]
    assert seen[0][spot > 0].mean() > 0.5 > seen[1][spot > 0].mean()
    views = tuple(understand(view, SIDE_PX) for view in (away, other))
    alone, both = (texture_of(chosen).bgr for chosen in (views[:1], views))
    ring = as_u8(cv2.dilate(spot, np.ones((9, 9), np.uint8))) & ~as_u8(cv2.dilate(spot, np.ones((3, 3), np.uint8)))
    contrast = [mean_in(bgr, spot).mean() / mean_in(bgr, ring).mean() for bgr in (alone, both)]
    assert contrast[0] > 0.95
    assert contrast[1] < 0.91
    assert abs(np.log(sides(both))) < 0.1


def test_what_no_photo_shows_is_taken_from_the_other_half(photo: BgrU8, face: Face, plain: BgrU8) -> None:
    baked = bake(SourceFace.of(*_parts(half_hidden(FaceView(photo, face))))).bgr
    cheek = filled((CHEEKS[1],), SIDE_PX)
    np.testing.assert_allclose(mean_in(baked, cheek), mean_in(plain, cheek), rtol=0.12)


def test_a_tiny_face_gives_a_soft_texture_in_its_own_tone(photo: BgrU8, face: Face, plain: BgrU8) -> None:
    scale = 70 / face.width_px
    small = as_u8(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    shrunk = Face(0, face.box_xyxy * np.float32(scale), as_f32((face.landmarks + 0.5) * scale - 0.5), face.pose, 1.0)
    tiny = bake(SourceFace.of(small, shrunk)).bgr
    core = filled((FACE_CORE,), SIDE_PX) > 0
    grey = as_f32(cv2.cvtColor(tiny, cv2.COLOR_BGR2GRAY))
    fine = grey - as_f32(cv2.GaussianBlur(grey, (0, 0), 1.0))
    assert float(fine[core].std()) < 3.5
    np.testing.assert_allclose(
        mean_in(tiny, filled((FACE_CORE,), SIDE_PX)), mean_in(plain, filled((FACE_CORE,), SIDE_PX)), rtol=0.08
    )


def test_blotches_of_hue_in_a_tiny_photo_are_smoothed(photo: BgrU8, face: Face) -> None:
    scale = 70 / face.width_px
    small = as_u8(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    shrunk = Face(0, face.box_xyxy * np.float32(scale), as_f32((face.landmarks + 0.5) * scale - 0.5), face.pose, 1.0)
    noise = np.random.default_rng(0).normal(0, 12, (*small.shape[:2], 1)) * np.array([1, 0, -1])
    noisy = as_u8(np.clip(small + noise, 0, 255))
    clean, kept = (as_f32(lay_flat(FaceView(bgr, shrunk), SIDE_PX).bgr) for bgr in (small, noisy))
    left = (kept - clean)[filled(CHEEKS, SIDE_PX) > 0]
    assert float((left[:, 0] - left[:, 2]).std()) < 0.4 * float((noise[..., 0] - noise[..., 2]).std())


def test_levels_and_logarithms_are_each_others_inverse() -> None:
    bgr = as_f32(np.arange(0, 255, dtype=np.float32).reshape(5, 17, 3))
    np.testing.assert_allclose(levels(logarithm(bgr)), bgr, atol=0.01)


def _parts(view: FaceView) -> tuple[BgrU8, Face]:
    return view.photo_bgr, view.face
