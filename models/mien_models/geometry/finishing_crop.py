"""The crop in which a composed face is finished: upright, around the mesh, the same in training and in use."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import face_topology, rasterise
from mien_models.types import AffineF64, PointsF32, as_f32

SIDE_PX: Final = 128
"""Side of the crop."""
REACH: Final = 1.34
"""The crop's side in parts of the mesh's extent: skin around the mesh is to be seen, too."""
WIDE: Final = 1.12
"""The extent is the mesh's height or so many times its width, whichever is more: the crop holds turned heads."""
SOFTEN_BELOW: Final = 0.85
"""A crop smaller than this, in parts of the frame's pixels, is softened first, which cv2.warpAffine does not."""


def crop_from_frame(landmarks: PointsF32) -> AffineF64:
    """Place the crop by (468, 3) landmarks in pixels of the frame: a turn, a scale and a shift."""
    xy = landmarks[:, :2].astype(np.float64)
    eyes = xy[263] - xy[33]
    return placed_crop(landmarks, float(np.arctan2(eyes[1], eyes[0])))


def placed_crop(
    landmarks: PointsF32, roll_rad: float, shift: tuple[float, float] = (0.0, 0.0), size: float = 1.0
) -> AffineF64:
    """Place the crop with a given turn, moved by parts of the mesh's extent, so many times as large."""
    cos, sin = np.cos(-roll_rad), np.sin(-roll_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    turned = landmarks[:, :2].astype(np.float64) @ turn.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    extent = max(high[1] - low[1], WIDE * (high[0] - low[0])) * REACH * size
    scale = SIDE_PX / extent
    matrix = np.zeros((2, 3))
    matrix[:, :2] = scale * turn
    matrix[:, 2] = (SIDE_PX - 1) / 2 - scale * ((low + high) / 2 + np.array(shift) * extent)
    return matrix


def cut(
    image: NDArray[np.uint8], crop_from_frame: AffineF64, *, border: int = cv2.BORDER_REPLICATE
) -> NDArray[np.uint8]:
    """Cut the crop out of a picture of 8 bits with any number of channels."""
    scale = float(np.linalg.norm(crop_from_frame[:, 0]))
    if scale < SOFTEN_BELOW:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.5 * float(np.sqrt(1 / scale**2 - 1))), np.uint8)
    cropped = cv2.warpAffine(image, crop_from_frame, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(cropped, np.uint8)


def atlas_places(landmarks: PointsF32, crop_from_frame: AffineF64, side_px: int = SIDE_PX) -> NDArray[np.float32]:
    """Say where on the atlas each pixel of the crop lies: (side_px, side_px, 2), 0..1, 0 beside the mesh and its rim.

    Args:
        landmarks: (468, 3) in pixels of the frame.
        crop_from_frame: of a crop of `SIDE_PX`.
        side_px: of the result, which may be coarser than the crop.
    """
    topology = face_topology()
    share = side_px / SIDE_PX
    points = landmarks.astype(np.float32)
    placed = points @ np.eye(3, dtype=np.float32)
    placed[:, :2] = ((points[:, :2] @ crop_from_frame[:, :2].T + crop_from_frame[:, 2]) + 0.5) * share - 0.5
    placed[:, 2] *= np.linalg.norm(crop_from_frame[:, 0]) * share
    full = topology.with_rim(as_f32(placed))
    attributes = np.ones((len(full), 3), np.float32)
    attributes[:, :2] = topology.atlas
    drawn = rasterise(full, topology.triangles, attributes, width=side_px, height=side_px, cull_back_faces=False)
    return as_f32(drawn[..., :2])
