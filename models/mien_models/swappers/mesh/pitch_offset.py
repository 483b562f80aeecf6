"""How far a swapped face seems to nod: its features lie a little higher or lower than the mesh has them.

The landmark network places its points on a photo as on most faces. Where eyes, nose or mouth of one face lie otherwise,
the photo's skin lies a little too high or too low, and a head that looks straight ahead seems to look down or up.
The same network sees that in the swapped face, and so it is asked once, about the texture on the average head.
"""

from typing import Final

import cv2
import numpy as np

from mien_models.geometry.crop import Region
from mien_models.geometry.face_mesh import LANDMARKS, face_topology, rasterise
from mien_models.interfaces import Landmarker
from mien_models.swappers.mesh.shape import pitch_rad
from mien_models.types import BgrU8, PointsF32, as_f32, as_u8

SIDE_PX: Final = 384
"""The picture that is looked at has this side."""
HEAD_CM: Final = 21.0
"""So many centimetres fit into it."""
GREY: Final = 110
"""Its background, in 8-bit levels."""
REGION_PER_BOX: Final = 1.5
"""The network wants this much more than the face's box (mediapipe: face_landmark_landmarks_to_roi)."""
TYPICAL_RAD: Final = float(np.radians(-5.5))
"""How far faces seem to nod that do not: the average head on grey is no photo.

Of six portraits, each on five clips, what is seen here, less this, is within 0.5 degrees (once 2) of what another
network saw of their nodding there.
"""
LARGEST_RAD: Final = float(np.radians(5.0))
"""More than this is not believed."""


def apparent_pitch_offset(texture_bgr: BgrU8, landmarker: Landmarker) -> float:
    """Say how far a texture seems to nod, in radians, as `pitch_rad`; at most `LARGEST_RAD`.

    Args:
        texture_bgr: (n, n, 3) on the atlas.
        landmarker: with the 468 landmarks of the mesh.
    """
    points = _average_head()
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    x, y = (float(value) for value in (low + high) / 2)
    region = Region((x, y), REGION_PER_BOX * float((high - low).max()))
    seen, _ = landmarker.landmarks(_drawn(texture_bgr, points), region)
    pitch_offset = pitch_rad(seen) - pitch_rad(points) - TYPICAL_RAD
    return float(np.clip(pitch_offset, -LARGEST_RAD, LARGEST_RAD))


def _average_head() -> PointsF32:
    """Give the average head's landmarks in the picture: (468, 3) in pixels."""
    points_cm = face_topology().canonical_cm * np.array([1, -1, -1], np.float32)
    return as_f32(points_cm * (SIDE_PX / HEAD_CM) + np.array([0.5, 0.47, 0]) * SIDE_PX)


def _drawn(texture_bgr: BgrU8, points: PointsF32) -> BgrU8:
    """Draw a texture on a head before grey, with the photo's own eyes and lips."""
    topology = face_topology()
    attributes = np.zeros((len(topology.atlas), 3), np.float32)
    attributes[:, :2] = topology.atlas
    attributes[:LANDMARKS, 2] = 1
    at = rasterise(topology.with_rim(points), topology.triangles, attributes, width=SIDE_PX, height=SIDE_PX)
    at_x, at_y = (as_f32(at[..., axis] * len(texture_bgr) - 0.5) for axis in (0, 1))
    skin = as_f32(cv2.remap(texture_bgr, at_x, at_y, cv2.INTER_LINEAR))
    return as_u8(np.clip(GREY + (skin - GREY) * at[..., 2:], 0, 255))
