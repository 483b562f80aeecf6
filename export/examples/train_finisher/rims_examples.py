"""Faces laid flat with glasses drawn on, and where these are: what the network that finds rims learns from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, log
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
from mien_models.types import BgrU8, PointsF32, as_f32, as_u8

FACE_PX: Final = (60.0, 240.0)
"""Faces are between so many pixels wide."""
AROUND: Final = 0.5
RETAKEN: Final = 0.6
"""Part of the pictures that are taken by another camera."""
LANDMARKS_OFF: Final = 0.004
"""In parts of the face's width, a standard deviation."""
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
            width_px = exp(rng.uniform(log(FACE_PX[0]), log(FACE_PX[1])))
            yield *drawn_on(rng, *shrunk(picture, person.landmarks, width_px, AROUND)), person.is_held_back
        if number % 100 == 0:
            say(f"glasses drawn on {number} of {len(people)} people")


def drawn_on(
    rng: Generator, picture: BgrU8, landmarks: PointsF32, *, plainly: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw glasses on a face and lay it flat: the band, what of it rims cover and what of it is seen, 0..255.

    Unless it is to be done plainly, the picture is taken by another camera, the landmarks are a little off, as they
    are on what is seen with glasses, and some wear none.
    """
    if not plainly and rng.random() < RETAKEN:
        picture = rephotographed(rng, picture, strength=0.8, gently=True)
    rims = np.zeros(picture.shape[:2], np.float32)
    if plainly or rng.random() > BARE:
        worn = with_glasses(rng, picture, landmarks, sun=bool(rng.random() < SUN))
        picture, rims = worn.image_bgr, worn.rims
    moved = landmarks
    if not plainly:
        off = rng.normal(0, LANDMARKS_OFF, (1, 3)).astype(np.float32)
        moved = as_f32(landmarks + off * np.ptp(landmarks[:, 0]))
    band, seen = flat_band(picture, moved)
    drawn, _ = flat_band(as_u8(cv2.cvtColor((rims * 255 + 0.5).astype(np.uint8), cv2.COLOR_GRAY2BGR)), moved)
    return band, drawn[..., 0], (seen * 255 + 0.5).astype(np.uint8)
