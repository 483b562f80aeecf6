"""Faces with and without glasses, as the numbers that the network which sees them is given."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from camera_faults import rephotographed
from numpy.random import Generator
from numpy.typing import NDArray
from people import GLASSES, landmarks_of
from spectacles import with_glasses
from worn import shrunk

from mien_models.geometry.crop import cut_patch
from mien_models.networks.eyewear import SIDE_PX, eyewear_numbers, eyewear_region
from mien_models.types import BgrU8, PointsF32, as_u8

DRAWN: Final = 3
"""So many pairs of glasses are drawn on every bare face."""
SUN: Final = 0.25
FACE_PX: Final = 150.0
AROUND: Final = 0.35
SURE: Final = 0.6
"""A face of which the landmark network is less sure gets no glasses drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class EyewearExamples:
    """What is learned from."""

    numbers: NDArray[np.float32]
    """(n, 2, 1232) of the picture and of its mirror image."""
    worn: NDArray[np.bool_]
    dark: NDArray[np.bool_]
    drawn: NDArray[np.bool_]
    """Whether the glasses were drawn onto the face."""
    person: NDArray[np.int32]

    def of(self, rows: NDArray[np.bool_]) -> "EyewearExamples":
        """Give some."""
        return EyewearExamples(
            self.numbers[rows], self.worn[rows], self.dark[rows], self.drawn[rows], self.person[rows]
        )


def eyewear_examples(rng: Generator, media: Path, kept: Path, say: Callable[[str], None]) -> EyewearExamples:
    """Look at every face as it is, and at the bare ones with glasses drawn on.

    Args:
        rng: where chance comes from.
        media: the folder of pictures with its `faces.json`.
        kept: a file for the landmarks.
        say: told how far it is.
    """
    listed = {entry["file"]: entry for entry in json.loads((media / "faces.json").read_text())["faces"]}
    seen = {
        key: {f"{number:04d}.jpg" for number in numbers}
        for key, numbers in json.loads(GLASSES.read_text()).items()
        if key != "about"
    }
    rows: list[tuple[NDArray[np.float32], bool, bool, bool, int]] = []
    for name, points, score in landmarks_of(media, kept, say):
        number, image = int(name[:4]), as_u8(np.asarray(cv2.imread(str(media / name))))
        worn = (listed[name]["glasses"] or name in seen["worn"]) and name not in seen["bare"]
        rows.append((_numbers(image, points), worn, name in seen["dark"], False, number))
        if not worn and not listed[name]["covered"] and score > SURE:
            rows += [(*one, True, number) for one in _drawn(rng, image, points)]
        if number % 200 == 0:
            say(f"{len(rows)} examples, at {name}")
    flags = [np.array([row[place] for row in rows], bool) for place in (1, 2, 3)]
    numbers, people = np.stack([row[0] for row in rows]), np.array([row[4] for row in rows], np.int32)
    return EyewearExamples(numbers, flags[0], flags[1], flags[2], people)


def _drawn(rng: Generator, image: BgrU8, points: PointsF32) -> list[tuple[NDArray[np.float32], bool, bool]]:
    small, at = shrunk(image, points, FACE_PX, AROUND)
    made: list[tuple[NDArray[np.float32], bool, bool]] = []
    for _ in range(DRAWN):
        sun = bool(rng.random() < SUN)
        picture = rephotographed(rng, small, strength=0.6, gently=True) if rng.random() < 0.5 else small
        made.append((_numbers(with_glasses(rng, picture, at, sun=sun).image_bgr, at), True, sun))
    return made


def _numbers(image: BgrU8, points: PointsF32) -> NDArray[np.float32]:
    square = cut_patch(image, eyewear_region(points), SIDE_PX, border=cv2.BORDER_REPLICATE).image_bgr
    return np.stack([eyewear_numbers(one) for one in (square, as_u8(square[:, ::-1]))])
