"""A texture drawn on heads that are turned."""

import cv2
import numpy as np
import pytest

from mien_models.geometry.face_mesh import face_topology, facing
from mien_models.swappers.mesh.render import AtlasMap, atlas_map, draw_texture
from mien_models.swappers.mesh.texture import swap_alpha
from mien_models.types import BgrU8, MaskU8, PointsF32, as_f32, as_u8

NOTHING_ADDED = np.full((16, 16, 4), 128, np.uint8)
SIDE_PX = 256
WIDTH_PX = 320.0
CROP_PX = 480


def head(yaw_deg: float) -> PointsF32:
    """The average head with its rim, turned, in the middle of a crop."""
    points = face_topology().canonical_cm * np.array([1, -1, -1])
    cos, sin = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    turned = points @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]).T
    return face_topology().with_rim(as_f32(turned * WIDTH_PX / 15.5 + np.array([CROP_PX / 2, CROP_PX / 2, 0])))


def found_on(yaw_deg: float, *, as_if_px: float) -> AtlasMap:
    """The map at the resolution that a face of such a width gets."""
    points = head(yaw_deg)
    return atlas_map(points, facing(points), CROP_PX, CROP_PX, as_if_px)


def drawn(found: AtlasMap, bgr: BgrU8) -> tuple[BgrU8, MaskU8]:
    crop, alpha = draw_texture(found, NOTHING_ADDED, as_u8(np.dstack([bgr, swap_alpha(SIDE_PX)])))
    return crop[:CROP_PX, :CROP_PX], alpha[:CROP_PX, :CROP_PX]


@pytest.mark.parametrize("as_if_px", [240.0, 400.0])
@pytest.mark.parametrize("yaw_deg", [-60, -40, 40, 60])
def test_what_a_nose_hides_does_not_shine_through_at_its_edge(yaw_deg: float, as_if_px: float) -> None:
    finely = found_on(yaw_deg, as_if_px=100)
    seen = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    seen[(finely.at_y * (SIDE_PX - 1)).astype(int), (finely.at_x * (SIDE_PX - 1)).astype(int)] = 255
    seen = as_u8(np.asarray(cv2.dilate(seen, np.ones((9, 9), np.uint8))))
    hidden_is_white = np.where(seen[..., None] > 0, 60, 255).astype(np.uint8).repeat(3, axis=2)
    assert (seen == 0).mean() > 0.1
    crop, alpha = drawn(found_on(yaw_deg, as_if_px=as_if_px), hidden_is_white)
    assert np.count_nonzero(crop[alpha > 0].max(axis=1) > 120) <= 3


@pytest.mark.parametrize("yaw_deg", [0, 30, 60, 80])
def test_the_outline_of_what_is_seen_is_soft_on_every_side(yaw_deg: float) -> None:
    bgr = np.full((SIDE_PX, SIDE_PX, 3), 60, np.uint8)
    _, alpha = drawn(found_on(yaw_deg, as_if_px=WIDTH_PX), bgr)
    columns = alpha[alpha.shape[0] // 2 - 60 :: 8].astype(int)
    outer = np.abs(np.diff(columns, axis=1))
    for row, steps in zip(columns, outer, strict=True):
        edge = np.flatnonzero(row)[[0, -1]] if row.any() else [0, 0]
        assert steps[max(edge[0] - 1, 0) : edge[0] + 2].max(initial=0) < 150
        assert steps[edge[1] - 2 : edge[1] + 1].max(initial=0) < 150


@pytest.mark.parametrize("yaw_deg", [0, 25])
def test_a_face_is_opaque_up_to_its_outline(yaw_deg: float) -> None:
    points = head(yaw_deg)
    _, alpha = drawn(found_on(yaw_deg, as_if_px=WIDTH_PX), np.full((SIDE_PX, SIDE_PX, 3), 60, np.uint8))
    for index in (6, 4, 50, 280, 199, 151):  # bridge and tip of the nose, cheeks, chin, forehead
        x, y = np.round(points[index, :2]).astype(int)
        assert alpha[y - 3 : y + 4, x - 3 : x + 4].max() > 240
