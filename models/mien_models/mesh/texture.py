"""The source face laid flat: the photo's face drawn on the atlas, skin only, with the alpha it is worn with."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.arrays import BgrU8, MaskU8, PointsF32, as_f32, as_u8
from mien_models.faces import SourceFace
from mien_models.mesh.raster import rasterise, vertex_normals
from mien_models.mesh.regions import EYE_LEFT, EYE_RIGHT, LIPS_INNER, OVAL
from mien_models.mesh.skin import fill_hidden_skin
from mien_models.mesh.topology import ATLAS_MARGIN, LANDMARKS, FaceTopology, face_topology
from mien_models.mesh.unwrap import atlas_points_px

MIN_ATLAS_PX: Final = 256
MAX_ATLAS_PX: Final = 1024

EDGE_FEATHER: Final = (0.002, 0.065)
"""Where the alpha begins and where it is full, inwards from the mesh's outline, in parts of the atlas' side."""
EYE_FEATHER: Final = (0.003, 0.018)
"""The same outwards from the eyes' outlines: the eyes, and lids that close over them, stay the target's."""
MOUTH_FEATHER: Final = (0.002, 0.014)
"""The same outwards from the inner outline of the lips: teeth and tongue stay the target's."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceTexture:
    """A face on the atlas; its side in pixels is a power of two."""

    bgr: BgrU8
    """(n, n, 3) skin everywhere on the face, also where the photo shows hair, glasses or nothing."""
    alpha: MaskU8
    """(n, n) 0 outside the face, in the eyes and in the mouth."""

    @property
    def side_px(self) -> int:
        """The atlas' side."""
        return len(self.bgr)


def bake(source: SourceFace) -> FaceTexture:
    """Lay the photo's face flat; about 0.1 s."""
    topology = face_topology()
    points = topology.with_rim(source.best.face.landmarks)
    side_px = _side_for(source.best.face.width_px)
    bgr, seen = _unwrap(source.best.photo_bgr, points, topology, side_px)
    return FaceTexture(bgr=fill_hidden_skin(bgr, seen), alpha=wear_alpha(side_px))


def facing(points: PointsF32, topology: FaceTopology) -> NDArray[np.float32]:
    """Say for each of the (504,) points how much it faces the camera: 1 straight on, 0 edge-on, -1 turned away."""
    towards = -vertex_normals(points[:LANDMARKS], topology.face_triangles)[:, 2]
    return np.concatenate([towards, towards[list(OVAL)]]).astype(np.float32)


def wear_alpha(side_px: int) -> MaskU8:
    """Draw the alpha of a worn face on an atlas: feathered at the outline, open at the eyes and the mouth."""
    at_px = face_topology().atlas * side_px
    inwards = _distance_inside(at_px, OVAL, side_px) - _distance_outside(at_px, OVAL, side_px)
    alpha = _ramp(inwards, EDGE_FEATHER, side_px)
    for contour, feather in ((EYE_LEFT, EYE_FEATHER), (EYE_RIGHT, EYE_FEATHER), (LIPS_INNER, MOUTH_FEATHER)):
        outwards = _distance_outside(at_px, contour, side_px) - _distance_inside(at_px, contour, side_px)
        alpha = np.minimum(alpha, _ramp(outwards, feather, side_px))
    return (alpha * 255 + 0.5).astype(np.uint8)


def _side_for(face_width_px: float) -> int:
    """Choose the power of two that keeps the photo's detail."""
    wanted_px = face_width_px / (1 - 2 * ATLAS_MARGIN)
    return int(np.clip(2 ** np.ceil(np.log2(wanted_px)), MIN_ATLAS_PX, MAX_ATLAS_PX))


def _unwrap(
    photo_bgr: BgrU8, points: PointsF32, topology: FaceTopology, side_px: int
) -> tuple[BgrU8, NDArray[np.float32]]:
    """Draw the photo on the atlas; also how well each texel was seen in it, (n, n) in 0..1."""
    left, top = np.floor(points[:, :2].min(axis=0)).astype(int) - 2
    right, bottom = np.ceil(points[:, :2].max(axis=0)).astype(int) + 3
    crop = _crop_replicated(photo_bgr, left, top, right, bottom)
    scale = min(1.0, side_px / crop.shape[1])
    if scale < 1:
        crop = as_u8(cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    height, width = crop.shape[:2]
    extent = np.array([right - left, bottom - top], np.float32)
    attributes = np.empty((len(points), 3), np.float32)
    attributes[:, :2] = (points[:, :2] + 0.5 - [left, top]) / extent
    attributes[:, 2] = np.clip(facing(points, topology), 0, 1)
    drawn = rasterise(atlas_points_px(side_px), topology.triangles, attributes, width=side_px, height=side_px)
    map_x, map_y = drawn[..., 0] * width - 0.5, drawn[..., 1] * height - 0.5
    bgr = cv2.remap(crop, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return as_u8(bgr), drawn[..., 2]


def _crop_replicated(image_bgr: BgrU8, left: int, top: int, right: int, bottom: int) -> BgrU8:
    """Cut a rectangle that may reach over the picture's edges; what lies outside repeats the edge."""
    height, width = image_bgr.shape[:2]
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    return image_bgr[rows[:, None], columns[None, :]]


def _polygon(at_px: NDArray[np.float32], contour: tuple[int, ...], side_px: int) -> MaskU8:
    mask = np.zeros((side_px, side_px), np.uint8)
    shift = 4
    corners = np.round((at_px[list(contour)] - 0.5) * (1 << shift)).astype(np.int32)
    cv2.fillPoly(mask, [corners], (255,), shift=shift)
    return mask


def _distance_inside(at_px: NDArray[np.float32], contour: tuple[int, ...], side_px: int) -> NDArray[np.float32]:
    return as_f32(cv2.distanceTransform(_polygon(at_px, contour, side_px), cv2.DIST_L2, 5))


def _distance_outside(at_px: NDArray[np.float32], contour: tuple[int, ...], side_px: int) -> NDArray[np.float32]:
    return as_f32(cv2.distanceTransform(~_polygon(at_px, contour, side_px), cv2.DIST_L2, 5))


def _ramp(distance_px: NDArray[np.float32], feather: tuple[float, float], side_px: int) -> NDArray[np.float32]:
    """Rise smoothly from 0 to 1 between the two distances (a cubic, level at both ends)."""
    begin, full = feather[0] * side_px, feather[1] * side_px
    t = as_f32(np.clip((distance_px - begin) / (full - begin), 0, 1))
    return t * t * (3 - 2 * t)
