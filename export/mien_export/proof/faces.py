"""Real faces to prove a network on: aligned as it takes them."""

import math
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from mien_models.errors import MienError
from mien_models.geometry.crop import Region
from mien_models.library.builtin import load_detector, load_landmarker
from mien_models.types import BgrU8, DetectedFace, Face, HeadPose, PointsF32, as_u8

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})
_AROUND: Final = 1.5
"""The landmark network looks at a square of this many detector boxes (MediaPipe's face_landmark_front graph)."""
_MOST_FACES: Final = 12


class FacesError(MienError):
    """A folder that holds no picture of a face."""


def known_faces(folder: Path | None = None) -> tuple[tuple[str, BgrU8, PointsF32], ...]:
    """Give pictures with a face and where it is: those of a folder, or the public-domain portrait of scikit-image.

    Returns:
        A name, the picture and the five points of its best face, for each picture with a face.

    Raises:
        FacesError: there is none.
    """
    found = [
        (name, picture, face.five_points)
        for name, picture in _pictures(folder)
        if (face := face_in(picture)) is not None
    ]
    if not found and folder is None:
        raise FacesError("The portrait of scikit-image is not installed; give pictures of faces with --faces DIR.")
    if not found:
        raise FacesError(
            f"{str(folder)!r} should hold pictures of faces ({', '.join(sorted(SUFFIXES))}), but none was found in it."
        )
    return tuple(found[:_MOST_FACES])


def _pictures(folder: Path | None) -> Iterator[tuple[str, BgrU8]]:
    if folder is None:
        # Its file, not `skimage.data.astronaut()`: where pooch is installed that keeps a cache and downloads.
        file = files("skimage") / "data" / "astronaut.png"
        if (source_photo := cv2.imread(str(file))) is not None:
            yield "astronaut", as_u8(source_photo)
        return
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() in SUFFIXES and (picture := _read(path)) is not None:
            yield path.stem, picture


def _read(path: Path) -> BgrU8 | None:
    """Decode a picture; OpenCV itself opens only files whose names are UTF-8."""
    content = np.fromfile(path, np.uint8)
    picture = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    return None if picture is None else as_u8(picture)


def face_in(picture_bgr: BgrU8) -> Face | None:
    """Find the best face of a picture, or None."""
    found = load_detector().detect(picture_bgr)
    if not found:
        return None
    landmarks, score = load_landmarker().landmarks(picture_bgr, _around(found[0]))
    return Face(0, found[0].box_xyxy, landmarks, HeadPose(0, 0, 0), score)


def _around(found: DetectedFace) -> Region:
    left, top, right, bottom = map(float, found.box_xyxy)
    (left_eye_x, left_eye_y), (right_eye_x, right_eye_y) = found.keypoints[:2].tolist()
    roll_rad = math.atan2(right_eye_y - left_eye_y, right_eye_x - left_eye_x)
    return Region(((left + right) / 2, (top + bottom) / 2), _AROUND * max(right - left, bottom - top), roll_rad)
