"""The face mesh: how 468 landmarks are joined to triangles, and where each lies on the flat texture (the atlas)."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_regions import OVAL
from mien_models.types import PointsF32

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
    stored = np.load(BytesIO(files("mien_models").joinpath("weights/face_mesh_topology.npz").read_bytes()))
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
