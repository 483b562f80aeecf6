"""What sees glasses, on photos and on the wearer: edges around the eyes, counted, and a network of two layers.

It was trained for Mien on synthetic faces, onto which most of the glasses were drawn: `export/examples/train_finisher`.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.geometry.crop import Region, cut_patch
from mien_models.interfaces import Session
from mien_models.specs.manifest import Manifest
from mien_models.types import BgrU8, MaskU8, PointsF32, as_f32, as_u8

SIDE_PX: Final = 112
"""Side of the square that is looked at."""
REACH: Final = 1.25
"""Its side in parts of the face's width: temples run to its edges."""
EYES: Final = (33, 263)
"""The eyes' outer corners."""
BAND: Final = slice(24, 88)
"""The rows of the square in which glasses are: from the brows to the nose's tip."""
CELLS: Final = (14, 8)
"""Edges are counted in so many cells across and down."""
DIRECTIONS: Final = 8
"""Edges are told apart by so many directions."""
CELL_PX: Final = SIDE_PX // CELLS[0]
NUMBERS_OF_EDGES: Final = CELLS[0] * CELLS[1] * DIRECTIONS
DARKEST: Final = 12.0
"""Added before a logarithm, in 8-bit levels: an edge in the shade counts as one in the light."""
EDGE: Final = 40.0
"""Scales a step of the logarithm to what 8-bit levels would show."""
CALM: Final = 4.0
"""Added to what edges are compared with, so that smooth skin has none."""
LINE_PX: Final = 5
"""A line is at most this wide."""
NUMBERS: Final = CELLS[0] * CELLS[1] * (DIRECTIONS + 3)
"""How many the network is given."""


@dataclass(frozen=True, slots=True)
class EyewearLook:
    """What was seen of one face."""

    worn: float
    """How sure it is that glasses are worn, 0..1."""
    dark: float
    """How sure it is that they hide the eyes, 0..1; means nothing where none are worn."""


def eyewear_region(landmarks: PointsF32) -> Region:
    """Place the square around the eyes by (468, 3) landmarks in pixels."""
    xy = landmarks[:, :2].astype(np.float64)
    left, right = (xy[index] for index in EYES)
    roll = math.atan2(right[1] - left[1], right[0] - left[0])
    across, down = np.array([math.cos(roll), math.sin(roll)]), np.array([-math.sin(roll), math.cos(roll)])
    along = (xy * across).sum(axis=1)
    middle = across * float(along.min() + along.max()) / 2 + down * float(((left + right) / 2 * down).sum())
    return Region((float(middle[0]), float(middle[1])), REACH * float(along.max() - along.min()), roll)


def eyewear_numbers(square_bgr: BgrU8) -> NDArray[np.float32]:
    """Turn the square, (112, 112, 3), to what the network is given: (1232,).

    For each cell: how much of its edges runs in each of eight directions, its brightness against the others', and how
    many thin dark and thin light lines it has.
    """
    lightness = as_u8(cv2.cvtColor(np.ascontiguousarray(square_bgr[BAND]), cv2.COLOR_BGR2LAB)[..., 0])
    cells = as_f32(cv2.resize(lightness, CELLS, interpolation=cv2.INTER_AREA))
    brightness = 0.5 * (cells - cells.mean()) / (cells.std() + 8)
    lines = [_lines(lightness, how) for how in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT)]
    return as_f32(np.concatenate([_edges(lightness).ravel(), brightness.ravel(), *(line.ravel() for line in lines)]))


def _edges(lightness: MaskU8) -> NDArray[np.float32]:
    """Count edges: (8, 14, 8), root of the share of each direction (Dalal and Triggs, 2005, in a simple form)."""
    light = np.log(as_f32(lightness) + np.float32(DARKEST)) * np.float32(EDGE)
    across, down = (as_f32(cv2.Sobel(light, cv2.CV_32F, dx, 1 - dx)) for dx in (1, 0))
    strength = np.hypot(across, down)
    # Each edge counts for the two directions that it lies between, in the cell that it lies in.
    direction = np.arctan2(down, across) * np.float32(DIRECTIONS / np.pi)
    first = np.floor(direction)
    share = direction - first
    nearest = first.astype(np.intp) % DIRECTIONS
    counted = np.zeros(NUMBERS_OF_EDGES)
    for which, part in ((nearest, 1 - share), ((nearest + 1) % DIRECTIONS, share)):
        counted += np.bincount((_cells() + which).ravel(), (part * strength).ravel(), NUMBERS_OF_EDGES)
    cells = as_f32(counted.reshape(CELLS[1], CELLS[0], DIRECTIONS) / CELL_PX**2)
    around = as_f32(cv2.blur(as_f32(cells.sum(axis=2)), (3, 3))) + np.float32(CALM)
    return as_f32(np.sqrt(cells / around[..., None]))


@cache
def _cells() -> NDArray[np.intp]:
    """Give for each pixel of the band the number of its cell's first direction."""
    rows, columns = (np.arange(CELL_PX * count) // CELL_PX for count in (CELLS[1], CELLS[0]))
    return np.asarray((rows[:, None] * CELLS[0] + columns) * DIRECTIONS, np.intp)


def _lines(lightness: MaskU8, how: int) -> NDArray[np.float32]:
    found = cv2.morphologyEx(lightness, how, np.ones((LINE_PX, LINE_PX), np.uint8))
    return as_f32(as_f32(cv2.resize(found, CELLS, interpolation=cv2.INTER_AREA)) / 12)


class Eyewear:
    """Looks for glasses; 0.5 ms."""

    def __init__(self, manifest: Manifest, session: Session) -> None:
        """Take a session that runs these weights.

        Raises:
            ModelError: they are not this network's.
        """
        if manifest.input.shape != (1, 1, 1, NUMBERS) or [o.shape for o in manifest.outputs] != [(1, 2)]:
            raise ModelError(f"{manifest.name!r} should take {NUMBERS} numbers and give two; correct its manifest.")
        self._session = session
        self._input, self._output = manifest.input.name, manifest.outputs[0].name

    def look(self, image_bgr: BgrU8, landmarks: PointsF32) -> EyewearLook:
        """Look at one face of a picture, and at its mirror image."""
        square = cut_patch(image_bgr, eyewear_region(landmarks), SIDE_PX, border=cv2.BORDER_REPLICATE).image_bgr
        logits = [self._logits(eyewear_numbers(one)) for one in (square, as_u8(square[:, ::-1]))]
        worn, dark = (float(value) for value in 1 / (1 + np.exp(-np.mean(logits, axis=0))))
        return EyewearLook(worn, dark)

    def _logits(self, numbers: NDArray[np.float32]) -> NDArray[np.float32]:
        outputs = self._session.run({self._input: numbers.reshape(1, 1, 1, -1)})
        return as_f32(outputs[self._output][0])
