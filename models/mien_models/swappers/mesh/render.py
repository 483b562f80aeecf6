"""Draws a texture on a face's mesh: where on the atlas each pixel lies, and the crop and alpha that are found there."""

from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import LANDMARKS, face_topology, rasterise
from mien_models.types import BgrU8, MaskU8, PointsF32, as_f32, as_u8

STEPS: Final = ((120.0, 1), (280.0, 2))
"""The map into the texture is linear inside every triangle, so that it is drawn smaller and enlarged.

Faces up to so many pixels wide have it drawn at this fraction of the frame's resolution, wider ones at a third.
"""
TURNED_AWAY: Final = (-0.9, -0.5)
"""How much a point faces the camera, 1 straight on and -1 straight away: below the first it is not drawn at all.

The underside of a nose is turned away a little and still drawn, where nothing but a hole would be seen.
"""
OUTLINE: Final = 0.018
"""How far the crop fades in from the outline of what is seen of the mesh, in parts of the face's width."""
JUMP: Final = 2.0
"""Two surfaces meet where neighbouring pixels are so many times further apart on the atlas than if seen straight.

Between the edge of a nose and the cheek behind it lies a part of the atlas that is not to be looked up.
"""


@dataclass(frozen=True, slots=True, eq=False)
class AtlasMap:
    """Where on the atlas the pixels of a crop lie, at a fraction of the crop's resolution."""

    at_x: NDArray[np.float32]
    """(rows, columns) 0..1."""
    at_y: NDArray[np.float32]
    """(rows, columns) 0..1."""
    solid: NDArray[np.float32]
    """(rows, columns) 0 at the outline of what is seen of the mesh, 1 inside."""
    apart: MaskU8
    """(rows, columns) 255 where two surfaces meet inside the outline."""
    step: int
    """How many pixels of the crop each stands for, each way."""


def atlas_map(
    points: PointsF32, facing: NDArray[np.float32], width: int, height: int, face_width_px: float
) -> AtlasMap:
    """Draw the mesh.

    Args:
        points: (504, 3) the mesh with its rim, in pixels of the crop.
        facing: (504,) how much each point faces the camera, -1..1.
        width: of the crop, in pixels.
        height: of the crop, in pixels.
        face_width_px: of the whole face.
    """
    step = next((step for widest_px, step in STEPS if face_width_px <= widest_px), 3)
    attributes = np.empty((len(points), 3), np.float32)
    attributes[:, :2] = face_topology().atlas
    attributes[:, 2] = np.clip((facing - TURNED_AWAY[0]) / (TURNED_AWAY[1] - TURNED_AWAY[0]), 0, 1)
    attributes[LANDMARKS:, 2] = 0
    placed = points / np.float32(step)
    placed[:, :2] = (points[:, :2] + 0.5) / step - 0.5
    # Not culled: the underside of a nose would leave cracks.
    drawn = rasterise(
        placed, face_topology().triangles, attributes, width=-(-width // step), height=-(-height // step),
        cull_back_faces=False,
    )  # fmt: skip
    at_x, at_y, covered = (as_f32(channel) for channel in cv2.split(drawn))
    solid = _from_outline(covered, OUTLINE * face_width_px / step)
    apart = _apart(at_x, at_y, JUMP * step / face_width_px)
    apart[cv2.dilate(solid, np.ones((3, 3), np.uint8)) == 0] = 0
    return AtlasMap(at_x, at_y, solid, apart, step)


def draw_texture(found: AtlasMap, added: NDArray[np.uint8], texture: NDArray[np.uint8]) -> tuple[BgrU8, MaskU8]:
    """Look the texture and what is added to it up.

    Args:
        found: where each pixel lies.
        added: (m, m, 4) what is added to the texture's colours and alpha, 128 = nothing; coarse.
        texture: (n, n, 4) B, G, R, alpha.

    Returns:
        Crop and alpha, up to a step larger than the crop that the map was drawn for.
    """
    change, solid = _looked_up(added, found), as_u8(found.solid * 255 + 0.5)
    colours = _looked_up(texture, found, finer=found.step)
    if found.step > 1:
        _mend(colours, found, texture)
        change, solid = _enlarged(change, found.step), _enlarged(solid, found.step)
    # Four channels all the way, light included: OpenCV looks up four at a time three times faster than three.
    lit = cv2.addWeighted(colours, 1, change, 1, -128)
    alpha = cv2.multiply(cv2.extractChannel(lit, 3), solid, scale=1 / 255)
    return as_u8(cv2.cvtColor(lit, cv2.COLOR_BGRA2BGR)), as_u8(alpha)


def _looked_up(image: NDArray[np.uint8], found: AtlasMap, finer: int = 1) -> NDArray[np.uint8]:
    """Look a picture of the atlas up, at so many times the map's own resolution."""
    # Scaled before they are enlarged, while they are few.
    places = (found.at_x * len(image) - 0.5, found.at_y * len(image) - 0.5)
    at_x, at_y = (as_f32(_enlarged(place, finer) if finer > 1 else place) for place in places)
    return as_u8(cv2.remap(image, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _mend(colours: NDArray[np.uint8], found: AtlasMap, texture: NDArray[np.uint8]) -> None:
    """Where two surfaces meet, enlarge what is seen of them instead of where it lies on the atlas; in place."""
    x, y, width, height = cv2.boundingRect(found.apart)
    if width == 0:
        return
    # One more on each side, which the enlarging looks at.
    rows, columns = slice(max(y - 1, 0), y + height + 1), slice(max(x - 1, 0), x + width + 1)
    part = replace(found, at_x=found.at_x[rows, columns], at_y=found.at_y[rows, columns])
    # Softened: of a surface seen edge-on, such as the far side of a nose, single pixels hit a nostril or a lash.
    large = _enlarged(as_u8(cv2.GaussianBlur(_looked_up(texture, part), (3, 3), 0)), found.step)
    apart = cv2.resize(found.apart[rows, columns], large.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    top, left = rows.start * found.step, columns.start * found.step
    cv2.copyTo(large, apart, colours[top : top + large.shape[0], left : left + large.shape[1]])


def _from_outline(covered: NDArray[np.float32], reach_px: float) -> NDArray[np.float32]:
    """Rise from 0 on the outline of what is covered to 1 so many pixels inside it."""
    size = 2 * max(1, round(reach_px)) + 1
    around = as_f32(cv2.blur(covered, (size, size), borderType=cv2.BORDER_REPLICATE))
    return as_f32(np.clip(2 * around - 1, 0, 1))


def _apart(at_x: NDArray[np.float32], at_y: NDArray[np.float32], furthest: float) -> MaskU8:
    """Mark places between whose neighbours on both sides more than twice this part of the atlas lies."""
    window = np.ones((3, 3), np.uint8)
    spread = cv2.max(*(cv2.morphologyEx(at, cv2.MORPH_GRADIENT, window) for at in (at_x, at_y)))
    return as_u8(cv2.threshold(spread, 2 * furthest, 255, cv2.THRESH_BINARY)[1])


def _enlarged(image: NDArray[Any], step: int) -> NDArray[Any]:
    rows, columns = image.shape[:2]
    return cv2.resize(image, (columns * step, rows * step), interpolation=cv2.INTER_LINEAR)
