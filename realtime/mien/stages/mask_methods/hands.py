"""Hands in front of the face, from the first frame on, by MediaPipe's networks for hands."""

from typing import Final

import cv2
import numpy as np

from mien.stages.mask import FaceMask, MaskPlugin
from mien.stages.mask_methods._hand_follower import HandFollower
from mien.stages.mask_methods._hand_outline import draw_hand, palm_px
from mien_models.library.builtin import load_hands
from mien_models.networks.hands import Hands
from mien_models.types import BgrU8, Face, as_f32, as_u8

SIDE_PX: Final = 160
"""The mask is a square with so many pixels a side..."""
AROUND: Final = 1.7
"""...and so many times as large as the face."""
SOFT: Final = 0.006
"""Standard deviation of its edge, in parts of its side."""


class HandsMask:
    """Follows the hands near each face; what they cover stays in front of it."""

    def __init__(self, networks: Hands) -> None:
        """Take the networks; all faces share them."""
        self._networks = networks
        self._followers: dict[int, HandFollower] = {}

    def mask(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> FaceMask | None:
        """Mask the hands that reach over the face; 0.2 ms where nothing moves, 6 ms with a hand near the face."""
        if face.id not in self._followers:
            self._followers[face.id] = HandFollower(self._networks)
        hands = self._followers[face.id].hands(frame_bgr, face, captured_ns)
        if not hands:
            return None
        left, top, right, bottom = (float(edge) for edge in face.box_xyxy)
        scale = AROUND * max(right - left, bottom - top) / SIDE_PX
        corner = np.array([(left + right) / 2, (top + bottom) / 2], np.float32) - scale * (SIDE_PX - 1) / 2
        covered = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
        for joints in hands:
            drawn = draw_hand(SIDE_PX, as_f32((joints[:, :2] - corner) / scale), palm_px(joints) / scale)
            covered = as_u8(cv2.max(covered, drawn))
        if not covered.any():
            return None
        image = as_u8(cv2.GaussianBlur(255 - covered, (0, 0), SOFT * SIDE_PX))
        return FaceMask(image, np.array([[scale, 0, corner[0]], [0, scale, corner[1]]], np.float64))

    def forget(self, face_id: int) -> None:
        """Drop the hands near a face."""
        self._followers.pop(face_id, None)


PLUGIN: Final = MaskPlugin(
    make=lambda _target: HandsMask(load_hands()),
    help="hands stay in front from the first frame, by MediaPipe's networks; 6 ms while one is near",
)
