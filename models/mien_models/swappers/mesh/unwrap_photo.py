"""A photo's face laid flat on the atlas at full detail, with how well each texel was seen."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import atlas_points_px, face_topology, facing, rasterise
from mien_models.types import BgrU8, FaceView, as_f32, as_u8

FEW_PIXELS: Final = 0.75
"""A photo with less than this of a pixel for a texel is enlarged by cubics first: bilinear look-up shows squares."""
BLOTCHES_PX: Final = 1.2
"""Width of the blur that smooths the hue of a photo that is enlarged, in its own pixels, a standard deviation."""
DEPTH_PX: Final = 200.0
"""At this size it is looked which part of a face lies before which."""
ELSEWHERE: Final = 0.06
"""A place in the photo that shows the face farther off than this, in parts of the atlas' side, hides what is behind."""


@dataclass(frozen=True, slots=True, eq=False)
class FlatPhoto:
    """One photo on the atlas."""

    bgr: BgrU8
    """(n, n, 3)."""
    seen: NDArray[np.float32]
    """(n, n) how much each texel faces the photo's camera, 0..1; 0 outside the picture."""


def lay_flat(view: FaceView, side_px: int) -> FlatPhoto:
    """Draw one photo's face on an atlas of that side."""
    topology = face_topology()
    points = topology.with_rim(view.face.landmarks)
    left, top = np.floor(points[:, :2].min(axis=0)).astype(int) - 2
    right, bottom = np.ceil(points[:, :2].max(axis=0)).astype(int) + 3
    crop = _sized(_crop_replicated(view.photo_bgr, left, top, right, bottom), side_px)
    height, width = crop.shape[:2]
    extent = np.array([right - left, bottom - top], np.float32)
    attributes = np.empty((len(points), 3), np.float32)
    attributes[:, :2] = (points[:, :2] + 0.5 - [left, top]) / extent
    attributes[:, 2] = np.maximum(facing(points), 0)
    drawn = rasterise(atlas_points_px(side_px), topology.triangles, attributes, width=side_px, height=side_px)
    inside = _inside(drawn[..., :2] * extent + [left, top], view.photo_bgr.shape)
    map_x, map_y = drawn[..., 0] * width - 0.5, drawn[..., 1] * height - 0.5
    bgr = cv2.remap(crop, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    placed = points - np.array([left, top, 0], np.float32)
    front = _in_front(placed, drawn[..., :2] * extent, side_px)
    return FlatPhoto(as_u8(bgr), as_f32(drawn[..., 2] * inside * front))


def _in_front(points: NDArray[np.float32], at_px: NDArray[np.float32], side_px: int) -> NDArray[np.float32]:
    """Say how much of each texel nothing of the face hides, as the nose of a turned head hides the cheek behind it.

    Args:
        points: (504, 3) the mesh in pixels of the crop.
        at_px: (n, n, 2) where in the crop each texel lies, from the crop's corner.
        side_px: the atlas' side n.
    """
    topology = face_topology()
    scale = DEPTH_PX / float(points[:, :2].max())
    attributes = np.ones((len(points), 3), np.float32)
    attributes[:, :2] = topology.atlas
    small_px, half = int(DEPTH_PX) + 2, np.array([0.5, 0.5, 0])
    shown = rasterise(
        as_f32((points + half) * scale - half),
        topology.face_triangles,
        attributes,
        width=small_px,
        height=small_px,
    )
    at = as_f32(cv2.resize(at_px, (small_px, small_px), interpolation=cv2.INTER_LINEAR) * scale - 0.5)
    there = as_f32(cv2.remap(shown, at[..., 0], at[..., 1], cv2.INTER_LINEAR))
    own = (np.indices((small_px, small_px))[::-1].transpose(1, 2, 0) + 0.5) / small_px
    covered = (there[..., 2] > 0.99) & (np.abs(there[..., :2] - own).max(axis=2) > ELSEWHERE)
    free = as_f32(cv2.GaussianBlur(as_f32(~covered), (0, 0), 1.5))
    return as_f32(cv2.resize(np.clip(2 * free - 1, 0, 1), (side_px, side_px), interpolation=cv2.INTER_LINEAR))


def _sized(crop_bgr: BgrU8, side_px: int) -> BgrU8:
    """Bring a crop near the atlas' resolution."""
    scale = side_px / crop_bgr.shape[1]
    if scale < 1:
        return as_u8(cv2.resize(crop_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    if scale > 1 / FEW_PIXELS:
        return as_u8(cv2.resize(_smooth_hue(crop_bgr), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC))
    return crop_bgr


def _smooth_hue(bgr: BgrU8) -> BgrU8:
    """Take the blotches of colour away that compression leaves: it keeps hue at half the resolution anyway."""
    brightness, *hues = cv2.split(cv2.cvtColor(bgr, cv2.COLOR_BGR2YCrCb))
    smooth = [cv2.GaussianBlur(hue, (0, 0), BLOTCHES_PX) for hue in hues]
    return as_u8(cv2.cvtColor(cv2.merge([brightness, *smooth]), cv2.COLOR_YCrCb2BGR))


def _inside(at_px: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Say which places lie in the picture."""
    x, y = at_px[..., 0], at_px[..., 1]
    return (x >= 0) & (y >= 0) & (x <= shape[1]) & (y <= shape[0])


def _crop_replicated(image_bgr: BgrU8, left: int, top: int, right: int, bottom: int) -> BgrU8:
    """Cut a rectangle that may reach over the picture's edges; what lies outside repeats the edge."""
    height, width = image_bgr.shape[:2]
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    return image_bgr[rows[:, None], columns[None, :]]
