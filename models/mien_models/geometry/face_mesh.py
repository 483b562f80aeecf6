"""The face mesh: 468 landmarks joined to triangles, drawn as pixels, and laid flat on the texture (the atlas)."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from math import pi
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_regions import BROW_LEFT, BROW_RIGHT, EYE_LEFT, EYE_RIGHT, LIPS_OUTER, NOSTRILS, OVAL
from mien_models.system.parsing import PARSER
from mien_models.types import BgrU8, MaskU8, PointsF32, as_f32, as_u8

ATLAS_MARGIN: Final = 0.09
"""Part of the atlas kept free on each side for the rim around the face."""
LANDMARKS: Final = 468
"""How many points of the mesh are landmarks; those of the rim follow."""
FACE_TRIANGLES: Final = 898
"""How many triangles join landmarks; those of the rim follow."""
RIM_OF_FACE: Final = 0.16
"""How far the rim reaches out of the face, in parts of the distance from the face's centre."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceTopology:
    """The 468 landmarks and a rim of 36 points around them, so that maps run on smoothly over the mesh's edge."""

    canonical_cm: NDArray[np.float32]
    """(468, 3) an average head in centimetres; x to the right of the picture, y up, z towards the camera."""
    triangles: NDArray[np.int32]
    """(970, 3) counter-clockwise seen from outside; the first 898 join landmarks, the rest join the rim."""
    atlas: NDArray[np.float32]
    """(504, 2) where each point lies on the texture, 0..1, x to the right, y down."""

    @property
    def face_triangles(self) -> NDArray[np.int32]:
        """(898, 3) those that join landmarks."""
        return self.triangles[:FACE_TRIANGLES]

    def with_rim(self, landmarks: PointsF32) -> PointsF32:
        """Add the rim's 36 points to (468, 3) landmarks: (504, 3) in the same unit.

        The rim continues the face outwards in the picture and backwards in depth.
        """
        oval = landmarks[list(OVAL)]
        out = np.empty((len(landmarks) + len(OVAL), 3), np.float32)
        out[: len(landmarks)] = landmarks
        rim = out[len(landmarks) :]
        centre_xy = oval[:, :2].mean(axis=0)
        rim[:, :2] = oval[:, :2] + RIM_OF_FACE * (oval[:, :2] - centre_xy)
        rim[:, 2] = oval[:, 2] + RIM_OF_FACE * np.linalg.norm(oval[:, :2] - centre_xy, axis=1)
        return out


@cache
def face_topology() -> FaceTopology:
    """Read the topology that the package carries.

    It is MediaPipe's canonical face model (Apache-2.0), as the geometry metadata of `face_landmarker.task` holds it:
    468 vertices, 898 triangles and their texture coordinates.
    """
    content = files("mien_models").joinpath("weights/face_mesh_topology.npz").read_bytes()
    with PARSER, np.load(BytesIO(content)) as stored:
        canonical_cm, uv, face_triangles = stored["vertices_cm"], stored["uv"], stored["triangles"]
    on_atlas = ATLAS_MARGIN + (1 - 2 * ATLAS_MARGIN) * uv
    oval = on_atlas[list(OVAL)]
    rim = oval + RIM_OF_FACE * (oval - oval.mean(axis=0))
    return FaceTopology(
        canonical_cm=canonical_cm,
        triangles=np.concatenate([face_triangles, _rim_triangles(len(canonical_cm))]).astype(np.int32),
        atlas=np.concatenate([on_atlas, rim]).astype(np.float32),
    )


def _rim_triangles(landmark_count: int) -> NDArray[np.int32]:
    count = len(OVAL)
    inner = np.array(OVAL, np.int32)
    outer = landmark_count + np.arange(count, dtype=np.int32)
    next_inner, next_outer = np.roll(inner, -1), np.roll(outer, -1)
    # OVAL runs clockwise in the picture, so that inner, next, outer is counter-clockwise as the face's triangles are.
    return np.concatenate(
        [np.stack([inner, next_inner, outer], axis=1), np.stack([next_inner, next_outer, outer], axis=1)]
    )


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


def facing(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Say for each of the (504,) points how much it faces the camera: 1 straight on, 0 edge-on, -1 turned away."""
    towards = -vertex_normals(points[:LANDMARKS], face_topology().face_triangles)[:, 2]
    return np.concatenate([towards, towards[list(OVAL)]]).astype(np.float32)


PIXELS_PER_TEXEL: Final = 1.3
"""The frame is halved before it is looked up, as long as at least so many of its pixels still fall on a texel."""


@dataclass(frozen=True, slots=True, eq=False)
class MeshPatch:
    """The part of a frame that a mesh lies in."""

    bgr: BgrU8
    points: PointsF32
    """(504, 3) the mesh with its rim, in pixels of that part."""
    left: int
    top: int


def mesh_patch(frame_bgr: BgrU8, points: PointsF32) -> MeshPatch | None:
    """Cut the rectangle of a mesh out of a frame; None where next to nothing of it is inside."""
    height, width = frame_bgr.shape[:2]
    low, high = np.floor(points[:, :2].min(axis=0)), np.ceil(points[:, :2].max(axis=0)) + 1
    left, right = (int(np.clip(edge, 0, width)) for edge in (low[0], high[0]))
    top, bottom = (int(np.clip(edge, 0, height)) for edge in (low[1], high[1]))
    if right - left < 8 or bottom - top < 8:
        return None
    placed = points.copy()
    placed[:, :2] -= (left, top)
    return MeshPatch(frame_bgr[top:bottom, left:right], placed, left, top)


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
        placed = points[:, :2] if not halvings else (points[:, :2] + 0.5) / 2**halvings - 0.5
        at, seen = self.places(placed, facing)
        bgr = cv2.remap(small, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return Unwrapped(as_u8(bgr), seen)

    def places(self, points: PointsF32, facing: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Say where each texel lies, (n, n, 2), and how much it faces the camera, (n, n); see the call."""
        values = np.empty((len(points), 3), np.float32)
        values[:, :2] = points[:, :2]
        values[:, 2] = facing
        flat = np.zeros((self.side_px * self.side_px, 3), np.float32)
        for corner, share in zip(self.corners, self.shares, strict=True):
            flat += np.take(values, corner, axis=0) * share
        at = flat.reshape(self.side_px, self.side_px, 3)
        return as_f32(at[..., :2]), as_f32(at[..., 2])


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
