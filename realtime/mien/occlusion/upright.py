"""The square around a face in which a mask network looks, turned so that the face is upright."""

import math

from mien_models.faces import Face
from mien_models.regions import Region


def upright_region(face: Face, around: float) -> Region:
    """Give a square `around` times as large as the face's box, turned with its eyes."""
    left, top, right, bottom = (float(edge) for edge in face.box_xyxy)
    eyes = face.five_points[1] - face.five_points[0]
    side_px = around * max(right - left, bottom - top)
    return Region(((left + right) / 2, (top + bottom) / 2), side_px, math.atan2(float(eyes[1]), float(eyes[0])))
