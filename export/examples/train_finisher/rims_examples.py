"""Faces laid flat with glasses drawn on, and where these are: what the network that finds rims learns from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from camera_faults import rephotographed
from numpy.random import Generator
from numpy.typing import NDArray
from people import Person, people_of
from spectacles import with_glasses
from worn import shrunk

from mien_models.networks.rims import flat_band
from mien_models.types import BgrU8, PointsF32, as_u8

FACE_PX: Final = (60.0, 240.0)
"""Faces are between so many pixels wide."""
AROUND: Final = 0.5
BARE: Final = 0.12
"""Part of the faces that wear nothing."""
SUN: Final = 0.12
"""Part of the glasses that are dark."""


@dataclass(frozen=True, slots=True, eq=False)
class RimExamples:
    """What is learned from."""

    bands: NDArray[np.uint8]
    """(n, h, w, 3) the band of the atlas around the eyes."""
    rims: NDArray[np.uint8]
    """(n, h, w) how much rims cover, 0..255."""
    seen: NDArray[np.uint8]
    """(n, h, w) how much each texel faces the camera, 0..255."""
    held_back: NDArray[np.bool_]
    """Which are of people who are for trying only."""


def rim_examples(rng: Generator, media: Path, kept: Path, each: int, say: Callable[[str], None]) -> RimExamples:
    """Draw glasses on everybody, `each` times.

    Args:
        rng: where chance comes from.
        media: the folder of pictures with its `faces.json`.
        kept: a file for the landmarks.
        each: how often.
        say: told how far it is.
    """
    rows = list(_rows(rng, people_of(media, kept, say), each, say))
    bands, rims, seen, held_back = zip(*rows, strict=True)
    return RimExamples(np.stack(bands), np.stack(rims), np.stack(seen), np.array(held_back))


def _rows(
    rng: Generator, people: list[Person], each: int, say: Callable[[str], None]
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], bool]]:
    for number, person in enumerate(people):
        picture = person.picture()
        for _ in range(each):
            width_px = float(np.exp(rng.uniform(*np.log(FACE_PX))))
            yield *_row(rng, *shrunk(picture, person.landmarks, width_px, AROUND)), person.is_held_back
        if number % 100 == 0:
            say(f"glasses drawn on {number} of {len(people)} people")


def _row(
    rng: Generator, picture: BgrU8, landmarks: PointsF32
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    if rng.random() < 0.6:
        picture = rephotographed(rng, picture, strength=0.8, gently=True)
    rims = np.zeros(picture.shape[:2], np.float32)
    if rng.random() > BARE:
        worn = with_glasses(rng, picture, landmarks, sun=bool(rng.random() < SUN))
        picture, rims = worn.image_bgr, worn.rims
    # Landmarks are placed on what is seen, glasses included, and are off by some pixels.
    moved = landmarks + rng.normal(0, 0.004, (1, 3)).astype(np.float32) * np.ptp(landmarks[:, 0])
    band, seen = flat_band(picture, moved)
    drawn, _ = flat_band(as_u8(cv2.cvtColor((rims * 255 + 0.5).astype(np.uint8), cv2.COLOR_GRAY2BGR)), moved)
    return band, drawn[..., 0], (seen * 255 + 0.5).astype(np.uint8)
