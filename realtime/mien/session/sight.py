"""What is in sight of the camera, small: for the person who sits at this machine."""

from typing import Final

import cv2
import numpy as np

from mien.pipeline.frame import Frame
from mien.session.session import FaceInSight
from mien_models.types import BgrU8, Face, as_u8

_ROOM: Final = 1.7
"""Side of a thumbnail in widths of the face: hair and chin belong to what somebody is known by."""


def scaled(image_bgr: BgrU8, width: int) -> BgrU8:
    """Give a picture at most `width` pixels wide; one that is narrower stays as it is, and is not copied."""
    rows, columns = image_bgr.shape[:2]
    if width >= columns:
        return image_bgr
    size = max(width, 1), max(round(rows * width / columns), 1)
    return as_u8(cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA))


def faces_of(frame: Frame, side_px: int) -> tuple[FaceInSight, ...]:
    """Cut out every face of a frame, from left to right, as squares of `side_px` pixels."""
    roles = {face.id: role for face, role in zip(frame.chosen, frame.roles, strict=True)}
    from_left = sorted(frame.faces, key=lambda face: float(face.box_xyxy[0]))
    return tuple(FaceInSight(face.id, roles.get(face.id), _cut_out(frame.image, face, side_px)) for face in from_left)


def _cut_out(image_bgr: BgrU8, face: Face, side_px: int) -> BgrU8:
    left, top, right, bottom = (float(value) for value in face.box_xyxy)
    scale = side_px / (_ROOM * max(right - left, bottom - top, 1.0))
    shift = side_px / 2 - scale * np.array([left + right, top + bottom]) / 2
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return as_u8(cv2.warpAffine(image_bgr, matrix, (side_px, side_px), flags=flags, borderMode=cv2.BORDER_REPLICATE))
