"""Short films of two people whose every frame is known: who is in it, and where."""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.tracking.landmark_fit import FaceNetworks
from mien.tracking.photo import find_faces
from mien_models.types import BgrU8, Face

SIZE = (640, 360)
FRAME_NS = 40_000_000


class Head:
    """Somebody's head, to be put anywhere in a picture."""

    def __init__(self, source_photo_bgr: BgrU8, face: Face) -> None:
        self._portrait = source_photo_bgr
        left, top, right, bottom = (float(side) for side in face.box_xyxy)
        self._middle, self._width = ((left + right) / 2, (top + bottom) / 2), right - left
        self._alpha = np.zeros(source_photo_bgr.shape[:2], np.uint8)
        axes = (round(0.72 * self._width), round(0.62 * (bottom - top) * 1.25))
        cv2.ellipse(self._alpha, (round(self._middle[0]), round(self._middle[1])), axes, 0, 0, 360, 255, -1)

    def onto(self, picture: BgrU8, at: tuple[float, float], width_px: float) -> BgrU8:
        """Give the picture with the head in it."""
        matrix = np.asarray(cv2.getRotationMatrix2D(self._middle, 0, width_px / self._width), np.float64)
        matrix[:, 2] += np.array(at) - self._middle
        head = cv2.warpAffine(self._portrait, matrix, SIZE, flags=cv2.INTER_AREA)
        alpha = cv2.warpAffine(self._alpha, matrix, SIZE)[..., None] / np.float32(255)
        return np.asarray(head * alpha + picture * (1 - alpha), np.uint8)


def room(seed: int) -> BgrU8:
    """A room full of things; another seed is another room."""
    random = np.random.default_rng(seed)
    picture = np.full((SIZE[1], SIZE[0], 3), random.integers(60, 200, 3), np.uint8)
    for _ in range(12):
        (x, y), (width, height) = random.integers(0, SIZE), random.integers(40, 200, 2)
        colour = [int(level) for level in random.integers(30, 220, 3)]
        cv2.rectangle(picture, (int(x), int(y)), (int(x + width), int(y + height)), colour, -1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 2), np.uint8)


def stranger(networks: FaceNetworks) -> Head:
    """Somebody else than the astronaut: the largest face of insightface's test picture."""
    spec = find_spec("insightface")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("insightface is not installed, whose test picture is needed")
    path = Path(spec.submodule_search_locations[0], "data", "images", "t1.jpg")
    picture = np.asarray(cv2.imread(str(path)), np.uint8)
    return Head(picture, find_faces(picture, networks)[0])
