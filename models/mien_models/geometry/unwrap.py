"""A face of a frame laid flat on the atlas, where a cheek is always in the same place however the head moves."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import face_topology
from mien_models.geometry.raster import rasterise
from mien_models.types import BgrU8, PointsF32, as_f32, as_u8

PIXELS_PER_TEXEL: Final = 1.3
"""The frame is halved before it is looked up, as long as at least so many of its pixels still fall on a texel."""


@dataclass(frozen=True, slots=True, eq=False)
class Unwrapped:
    """A face laid flat."""

    bgr: BgrU8
    """(n, n, 3)."""
    seen: NDArray[np.float32]
    """(n, n) 0..1, how much each texel faces the camera, as the caller weighted it."""


@dataclass(frozen=True, slots=True, eq=False)
class Unwrapper:
    """Looks at a frame where the texels of an atlas lie in it."""

    side_px: int
    """The atlas' side n."""
    corners: NDArray[np.intp]
    """(3, n²) the corners of the triangle that each texel lies in."""
    shares: NDArray[np.float32]
    """(3, n², 1) its barycentric coordinates in that triangle."""

    def __call__(self, region_bgr: BgrU8, points: PointsF32, facing: NDArray[np.float32]) -> Unwrapped:
        """Lay a face flat; about 0.4 ms for 64 x 64 texels.

        Args:
            region_bgr: the part of a frame that the face lies in.
            points: (504, 3) the mesh with its rim, in pixels of that part.
            facing: (504,) how much each point faces the camera, 0..1.
        """
        small, halvings = region_bgr, 0
        while min(small.shape[:2]) // 2 >= PIXELS_PER_TEXEL * self.side_px:
            rows, columns = small.shape[0] // 2, small.shape[1] // 2
            # OpenCV has a fast path for exact halves only.
            even = small[: 2 * rows, : 2 * columns]
            small = as_u8(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA))
            halvings += 1
        values = np.empty((len(points), 3), np.float32)
        values[:, :2] = (points[:, :2] + 0.5) / 2**halvings - 0.5
        values[:, 2] = facing
        flat = np.zeros((self.side_px * self.side_px, 3), np.float32)
        for corner, share in zip(self.corners, self.shares, strict=True):
            flat += np.take(values, corner, axis=0) * share
        at = flat.reshape(self.side_px, self.side_px, 3)
        bgr = cv2.remap(small, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return Unwrapped(as_u8(bgr), as_f32(at[..., 2]))


@cache
def unwrapper(side_px: int) -> Unwrapper:
    """Prepare the look-up for an atlas of that side; about 40 ms for 64, once."""
    topology = face_topology()
    points = atlas_points_px(side_px)
    weights = np.zeros((side_px * side_px, len(points)), np.float32)
    for first in range(0, len(points), 3):
        # The rasteriser spreads three numbers a vertex: three vertices' own weights at a time.
        ones = np.zeros((len(points), 3), np.float32)
        ones[first : first + 3] = np.eye(3, dtype=np.float32)[: len(points) - first]
        drawn = rasterise(points, topology.triangles, ones, width=side_px, height=side_px)
        weights[:, first : first + 3] = drawn.reshape(-1, 3)[:, : len(points) - first]
    corners = np.argpartition(weights, -3, axis=1)[:, -3:]
    shares = np.take_along_axis(weights, corners, axis=1)
    return Unwrapper(side_px, np.ascontiguousarray(corners.T), np.ascontiguousarray(shares.T)[..., None])


def atlas_points_px(side_px: int) -> PointsF32:
    """Where every point of the mesh lies on an atlas of that side: (504, 3) pixels, z = 0."""
    topology = face_topology()
    points = np.zeros((len(topology.atlas), 3), np.float32)
    points[:, :2] = topology.atlas * side_px - 0.5
    return points
