"""Triangles to pixels: spreads three numbers per vertex over a picture, hiding what faces away or lies behind."""

from math import pi
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import face_topology
from mien_models.geometry.face_regions import BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, LIPS_OUTER, NOSTRILS
from mien_models.types import MaskU8, PointsF32, as_u8

FEATURES: Final = (BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, NOSTRILS, LIPS_OUTER)
"""What on a face is no plain skin."""


def filled(contours: tuple[tuple[int, ...], ...], side_px: int) -> MaskU8:
    """Draw contours of landmarks filled on an atlas; 255 inside."""
    mask = np.zeros((side_px, side_px), np.uint8)
    for contour in contours:
        corners = np.round(face_topology().atlas[list(contour)] * side_px - 0.5).astype(np.int32)
        cv2.fillPoly(mask, [corners], (255,))
    return mask


def features_mask(side_px: int, grow: float) -> MaskU8:
    """Mark brows, eyes, nostrils and lips on an atlas, grown by a part of its side; 255 where marked."""
    return as_u8(cv2.dilate(filled(FEATURES, side_px), disc(2 * round(grow * side_px) + 1)))


def disc(size_px: int) -> NDArray[np.uint8]:
    """Make a round kernel for growing and shrinking masks."""
    return as_u8(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size_px, size_px)))


EYE_DISTANCE: Final = 8.0
"""How far away the rasteriser's eye stands, in parts of the picture's longer side.

Far enough for a nearly parallel projection, near enough for a depth buffer of 32 bits.
"""


def rasterise(
    points: PointsF32,
    triangles: NDArray[np.int32],
    attributes: NDArray[np.float32],
    *,
    width: int,
    height: int,
    cull_back_faces: bool = True,
) -> NDArray[np.float32]:
    """Draw triangles, each pixel carrying its attributes interpolated between the three corners.

    Args:
        points: (n, 3) corners in pixels of the result, z smaller towards the camera, in the same unit.
        triangles: (t, 3) indices; counter-clockwise seen from the front when y points up.
        attributes: (n, 3) numbers in 0..1.
        width: of the result, in pixels.
        height: of the result, in pixels.
        cull_back_faces: leave out triangles that are seen from behind.

    Returns:
        (height, width, 3) float32, zero where nothing is drawn.
    """
    # OpenCV's eye looks along -z with y up; at a vertical field of view of 90 degrees, screen = half + half * x / -z.
    half_w, half_h = width / 2, height / 2
    z = points[:, 2] - points[:, 2].min() + EYE_DISTANCE * max(width, height)
    vertices = np.empty((len(points), 3), np.float32)
    vertices[:, 0] = (points[:, 0] + 0.5 - half_w) / half_h * z
    vertices[:, 1] = (half_h - 0.5 - points[:, 1]) / half_h * z
    vertices[:, 2] = -z
    near, far = float(z.min()) * 0.9, float(z.max()) * 1.1
    colour = np.zeros((height, width, 3), np.float32)
    depth = np.full((height, width), far, np.float32)
    culling = cv2.RASTERIZE_CULLING_CW if cull_back_faces else cv2.RASTERIZE_CULLING_NONE
    settings = cv2.TriangleRasterizeSettings().setShadingType(cv2.RASTERIZE_SHADING_SHADED).setCullingMode(culling)
    cv2.triangleRasterize(
        vertices, triangles, attributes, colour, depth, np.eye(4, dtype=np.float32), pi / 2, near, far, settings
    )
    return colour


def vertex_normals(points: PointsF32, triangles: NDArray[np.int32]) -> NDArray[np.float32]:
    """Give (n, 3) unit normals that point out of the surface; z of a normal towards the camera is negative.

    Each is the mean of its triangles' normals weighted by their area.
    """
    a, b, c = (points[triangles[:, k]] for k in range(3))
    face_normals = np.cross(b - a, c - a)
    normals = np.zeros_like(points)
    for k in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(triangles[:, k], weights=face_normals[:, axis], minlength=len(points))
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals /= np.maximum(length, np.float32(1e-9))
    return normals
