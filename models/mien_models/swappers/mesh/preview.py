"""A texture on the average head, to be looked at."""

from typing import Final

import cv2
import numpy as np

from mien_models.geometry.face_mesh import LANDMARKS, face_topology, rasterise
from mien_models.swappers.mesh.texture import FaceTexture
from mien_models.types import BgrU8, as_f32, as_u8

GREY: Final = 110
"""The background, in 8-bit levels."""
HEAD_CM: Final = 21.0
"""So many centimetres fit into the picture's side."""


def preview(texture: FaceTexture, yaw_deg: float, side_px: int) -> BgrU8:
    """Draw the texture on the average head before grey: (side_px, side_px, 3).

    Args:
        texture: the swapped face's; eyes and mouth stay open, as the user's show there.
        yaw_deg: how far the head is turned; positive when the nose points to the right edge of the picture.
        side_px: the picture's side.
    """
    topology = face_topology()
    turn = np.deg2rad(-yaw_deg)
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    points_cm = (topology.canonical_cm * np.array([1, -1, -1])) @ rotation.T
    points = as_f32(points_cm * (side_px / HEAD_CM) + np.array([0.5, 0.47, 0]) * side_px)
    attributes = np.zeros((len(topology.atlas), 3), np.float32)
    attributes[:, :2] = topology.atlas
    attributes[:LANDMARKS, 2] = 1
    at = rasterise(topology.with_rim(points), topology.triangles, attributes, width=side_px, height=side_px)
    at_x, at_y = (at[..., axis] * texture.side_px - 0.5 for axis in (0, 1))
    skin = as_f32(cv2.remap(texture.bgr, at_x, at_y, cv2.INTER_LINEAR))
    alpha = as_f32(cv2.remap(texture.alpha(), at_x, at_y, cv2.INTER_LINEAR)) / 255 * at[..., 2]
    return as_u8(GREY + (skin - GREY) * alpha[..., None])
