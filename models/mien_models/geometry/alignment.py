"""Where a followed face's crop lies: the template's pose is kept until another fits clearly better."""

from math import atan2, hypot, tanh
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.specs.network import PictureSpec
from mien_models.specs.templates import Extent, crop_from_frame, pose_misfits, template_named
from mien_models.types import AffineF64, Face, PointsF32

CLEARLY_BETTER: Final = 0.85
"""A pose is left for one that misses the points by less than this part of its own miss: some three degrees of yaw to
either side of where both fit alike, so that a head which stays there does not make the crop jump."""
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

    def _pose(self, face: Face) -> int | None:
        if len(self._template.poses) == 1:
            return None
        misfits = pose_misfits(face.five_points, self._spec.template)
        best, kept = int(misfits.argmin()), self._poses.get(face.id)
        if kept is None or misfits[best] < CLEARLY_BETTER * misfits[kept]:
            kept = best
        self._poses[face.id] = kept
        return kept


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
