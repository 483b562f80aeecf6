"""Hands in front of the face, from the first frame on, by MediaPipe's networks for hands."""

from typing import Final

import cv2
import numpy as np

from mien.stages.mask import FaceMask, MaskPlugin
from mien.stages.mask_methods._hand_follower import HandFollower
from mien.stages.mask_methods._hand_outline import draw_hand, palm_px
from mien_models.geometry.crop import Region, cut_patch
from mien_models.library.builtin import load_hands
from mien_models.networks.hands import Hands
from mien_models.types import BgrU8, Face, MaskU8, as_f32, as_u8

SIDE_PX: Final = 160
"""The mask is a square with so many pixels a side..."""
AROUND: Final = 1.7
"""...and so many times as large as the face."""
SOFT: Final = 0.006
"""Standard deviation of its edge, in parts of its side."""
KEPT_S: Final = 0.25
"""What a hand covered stays covered for so long..."""
SAME: Final = 9.0
"""...where the picture is still the same within so many levels: joints jump from one finger to its neighbour."""
THICK_PX: Final = 5
"""And where that is thicker than this, as a finger is: what a moving hand leaves behind is thinner."""


class _Covered:
    """What hands covered of one face a moment ago."""

    def __init__(self) -> None:
        self._grey = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        """What each pixel showed when a hand covered it."""
        self._left_s = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        """For how long it stays covered without one."""
        self._seen_ns = 0

    def steadied(self, covered: MaskU8, square_bgr: BgrU8, captured_ns: int) -> MaskU8:
        """Add to what hands cover now, (SIDE_PX, SIDE_PX), what they covered and what has not changed since."""
        grey = as_f32(cv2.blur(as_f32(cv2.cvtColor(square_bgr, cv2.COLOR_BGR2GRAY)), (3, 3)))
        self._left_s -= np.float32(max(captured_ns - self._seen_ns, 0) / 1e9)
        self._left_s[np.abs(grey - self._grey) > SAME] = 0
        is_covered = covered > 127
        kept = ((self._left_s > 0) & ~is_covered).astype(np.uint8) * 255
        kept = as_u8(cv2.morphologyEx(kept, cv2.MORPH_OPEN, np.ones((THICK_PX, THICK_PX), np.uint8)))
        self._grey[is_covered], self._left_s[is_covered], self._seen_ns = grey[is_covered], KEPT_S, captured_ns
        return as_u8(cv2.max(covered, kept))


class HandsMask:
    """Follows the hands near each face; what they cover stays in front of it."""

    def __init__(self, networks: Hands) -> None:
        """Take the networks; all faces share them."""
        self._networks = networks
        self._followers: dict[int, tuple[HandFollower, _Covered]] = {}

    def mask(self, frame_bgr: BgrU8, face: Face, *, captured_ns: int) -> FaceMask | None:
        """Mask the hands that reach over the face; 0.4 ms where nothing comes near, 9 ms with a hand there."""
        if face.id not in self._followers:
            self._followers[face.id] = HandFollower(self._networks), _Covered()
        follower, before = self._followers[face.id]
        hands = follower.hands(frame_bgr, face, captured_ns)
        if not hands:
            return None
        square = cut_patch(frame_bgr, _square(face), SIDE_PX, border=cv2.BORDER_REPLICATE)
        corner = as_f32(square.frame_from_patch[:, 2])
        covered = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
        for joints in hands:
            places = as_f32((joints[:, :2] - corner) / square.scale)
            covered = as_u8(cv2.max(covered, draw_hand(SIDE_PX, places, palm_px(joints) / square.scale)))
        covered = before.steadied(covered, square.image_bgr, captured_ns)
        if not covered.any():
            return None
        return FaceMask(as_u8(cv2.GaussianBlur(255 - covered, (0, 0), SOFT * SIDE_PX)), square.frame_from_patch)

    def forget(self, face_id: int) -> None:
        """Drop the hands near a face."""
        self._followers.pop(face_id, None)


def _square(face: Face) -> Region:
    left, top, right, bottom = (float(edge) for edge in face.box_xyxy)
    return Region(((left + right) / 2, (top + bottom) / 2), AROUND * max(right - left, bottom - top))


PLUGIN: Final = MaskPlugin(
    make=lambda _target: HandsMask(load_hands()),
    help="hands stay in front from the first frame, by MediaPipe's networks; 9 ms while one is near",
)
