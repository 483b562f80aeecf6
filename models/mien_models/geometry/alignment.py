"""Where a followed face's crop lies: the template's pose is kept until another fits clearly better.

DeepFaceLab's models are aligned by what rests in a face, nose and cheeks, since eyes and mouth move. The unit square of
DeepFaceLive is MediaPipe's own texture map of its mesh, scaled and moved (`FLandmarks2D.py`, L468).
"""

from functools import cache
from math import atan2, hypot, tanh
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.geometry.face_mesh import ATLAS_MARGIN, LANDMARKS, face_topology
from mien_models.specs.least_squares import matrix_between
from mien_models.specs.network import PictureSpec
from mien_models.specs.templates import Extent, crop_from_frame, in_crop, pose_misfits, template_named
from mien_models.types import AffineF64, Face, PointsF32

CLEARLY_BETTER: Final = 0.85
"""A pose is left for one that misses the points by less than this part of its own miss: some three degrees of yaw to
either side of where both fit alike, so that a head which stays there does not make the crop jump."""
_UNIT_FROM_TEXTURE: Final = ((1.772097, -0.003093), (0.003093, 1.772097))
"""Takes places on MediaPipe's texture, as a row of x and y, to the unit square; measured."""
_UNIT_SHIFT: Final = (-0.397364, -0.441419)
_NOSE_AND_CHEEKS_CM: Final = (-2.7, 1.0)
"""How high a resting point may lie on the average head."""
_BRIDGE_CM: Final = (2.5, 1.6)
"""How high a point of the nose's bridge may lie, and how far from the middle."""
_SIDES: Final = (234, 454)
_TOP_AND_CHIN: Final = (6, 152)


class Aligner:
    """Places the crops of one network; remembers the pose of each face until it is forgotten."""

    def __init__(self, spec: PictureSpec, side_px: int) -> None:
        """Take how the network's picture is aligned, and the side of what is cut out of the frame.

        Raises:
            ModelError: no template has the name that the spec gives.
        """
        self._spec, self._side_px = spec, side_px
        self._template = template_named(spec.template)
        self._shift_px = spec.shift_px * side_px / spec.size_px
        self._poses: dict[int, int] = {}

    def of_points(self, five_points: PointsF32) -> AffineF64:
        """Give crop-from-frame of a face of which five points are known; nothing is remembered."""
        return self._of_pose(five_points, None)

    def of_face(self, face: Face) -> AffineF64:
        """Give crop-from-frame of a followed face."""
        if self._template.follows_mesh:
            matrix = self._of_mesh(face.landmarks)
        else:
            matrix = self._of_pose(face.five_points, self._pose(face))
        matrix[0, 2] += _yaw_shift(face.landmarks, self._spec.extent or self._template.extent) * self._side_px
        return matrix

    def forget(self, face_id: int) -> None:
        """Drop the pose of a face."""
        self._poses.pop(face_id, None)

    def _of_pose(self, five_points: PointsF32, pose: int | None) -> AffineF64:
        spec = self._spec
        return crop_from_frame(
            five_points,
            spec.template,
            self._side_px,
            offset_px=self._shift_px,
            fit=spec.fit,
            pose=pose,
            extent=spec.extent,
        )

    def _of_mesh(self, landmarks: PointsF32) -> AffineF64:
        which, unit = _resting()
        there = in_crop(unit, self._spec.extent or self._template.extent) * self._side_px + self._shift_px
        return matrix_between(landmarks[which, :2].astype(np.float64), there, self._spec.fit)

    def _pose(self, face: Face) -> int | None:
        if len(self._template.poses) == 1:
            return None
        misfits = pose_misfits(face.five_points, self._spec.template)
        best, kept = int(misfits.argmin()), self._poses.get(face.id)
        if kept is None or misfits[best] < CLEARLY_BETTER * misfits[kept]:
            kept = best
        self._poses[face.id] = kept
        return kept


@cache
def _resting() -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Give the points of the mesh that do not move when a face speaks, and their places (n, 2) in the unit square."""
    mesh = face_topology()
    x, y = np.abs(mesh.canonical_cm[:, 0]), mesh.canonical_cm[:, 1]
    lowest, highest = _NOSE_AND_CHEEKS_CM
    is_bridge = (y > 0) & (y < _BRIDGE_CM[0]) & (x < _BRIDGE_CM[1])
    which = np.flatnonzero(is_bridge | ((y > lowest) & (y < highest)))
    texture = (mesh.atlas[:LANDMARKS].astype(np.float64) - ATLAS_MARGIN) / (1 - 2 * ATLAS_MARGIN)
    return which, texture[which] @ np.array(_UNIT_FROM_TEXTURE) + _UNIT_SHIFT


def _yaw_shift(landmarks: PointsF32, extent: Extent) -> float:
    """Say how far a crop of a whole head shows its content to the right: towards the back of a head turned away."""
    if not extent.follows_yaw:
        return 0.0
    points = landmarks[:, :3].astype(np.float64)
    across = _unit(points[_SIDES[1]] - points[_SIDES[0]])
    down = _unit(points[_TOP_AND_CHIN[1]] - points[_TOP_AND_CHIN[0]])
    yaw = 2 * atan2(down[1] * across[2] - across[1] * down[2], hypot(across[0], down[0]))
    # Small turns are damped, as DeepFaceLive does.
    return 0.5 * yaw * abs(tanh(2 * yaw)) / extent.coverage


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
