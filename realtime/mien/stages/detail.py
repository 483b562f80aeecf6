"""Detail: the crop becomes as sharp and as grainy as the camera shows the face that it covers."""

from dataclasses import dataclass, replace
from math import exp, hypot, log
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien.pipeline.metrics import Part
from mien_models.system.sentence import sentence
from mien_models.types import BgrU8, MaskU8, SwappedFace, as_f32, as_u8

FINE_SIGMA: Final = 1.2
"""Detail is what a blur of this width takes away, in pixels of the frame."""
SHARPNESS_RANGE: Final = (0.05, 1.7)
"""How much of its own detail a crop may keep or be given; beyond, edges ring."""
OPAQUE: Final = 200
"""Only where the crop covers the frame at least this much, of 255, are the two compared."""
FEWEST_PIXELS: Final = 400
LOOK_EVERY_S: Final = 0.1
"""Detail is measured no more often than this; it changes with the light, not with the frame."""
SETTLING_S: Final = 0.3
"""Time constant with which a change of detail is followed, in seconds."""
GRAIN_SHARE: Final = 0.7
"""Part of the camera's noise that grain makes up for: what is measured as noise is partly pores and lashes."""
MOST_GRAIN: Final = 6.0
"""Strongest grain, a standard deviation in 8-bit levels."""
LEAST_GRAIN: Final = 0.4
"""Weaker grain is lost in rounding."""
GRAIN_SIGMA: Final = 0.6
"""Cameras smooth their noise: grain of single pixels looks drawn."""
GRAIN_TILE_PX: Final = 1024
"""Side of the tile at first; a larger face has a larger one made."""
GRAIN_TILE_STD: Final = 24.0
"""How the tile is stored: this standard deviation around 128."""
ENLARGED: Final = 1.5
"""A crop that is enlarged more than this gets no grain: it would become blobs."""
MAD_TO_STD: Final = 1.4826
"""Turns a median absolute deviation into a standard deviation of a normal distribution."""


@dataclass(slots=True)
class _Known:
    """What is done to one face's crop, and when its detail was last measured."""

    sharpness: float = 1.0
    """Its detail is multiplied by this."""
    grain: float = 0.0
    """A standard deviation in 8-bit levels."""
    looked_ns: int | None = None


@dataclass(frozen=True, slots=True)
class _Detail:
    """What was measured in one picture of a face."""

    energy: float
    """Mean size of its detail, in 8-bit levels."""
    noise: float
    """What of that is everywhere: the standard deviation of noise."""


class DetailStage:
    """Matches each crop's detail to the frame's; keeps what it found for each followed face, and a tile of grain."""

    name = "detail"

    def __init__(self) -> None:
        self._matching = Part(sentence("The match of sharpness and grain"))
        self.parts = (self._matching,)
        """What may be left out: all of it; what was learnt of a face stays for when it is back."""
        self._known: dict[int, _Known] = {}
        self._random = np.random.default_rng(0)
        self._tile = _grain_tile(self._random, GRAIN_TILE_PX)

    def __call__(self, frame: Frame) -> Frame:
        """Sharpen or soften the crops of `frame.swapped` and add grain."""
        matched = frame.swapped
        if matched and self._matching.is_on:
            with self._matching.measured():
                matched = tuple(self._matched(frame, swapped) for swapped in matched)
        followed = {face.id for face in frame.faces}
        self._known = {face_id: known for face_id, known in self._known.items() if face_id in followed}
        return replace(frame, swapped=matched)

    def _matched(self, frame: Frame, swapped: SwappedFace) -> SwappedFace:
        known = self._known.setdefault(swapped.face_id, _Known())
        crop_bgr = self._with_grain(sharpened(swapped.crop_bgr, known.sharpness), known.grain)
        matched = replace(swapped, crop_bgr=crop_bgr)
        elapsed_s = None if known.looked_ns is None else (frame.captured_ns - known.looked_ns) / 1e9
        if elapsed_s is None or not 0 <= elapsed_s < LOOK_EVERY_S:
            self._learn(frame, matched, known, elapsed_s)
        return matched

    def _learn(self, frame: Frame, matched: SwappedFace, known: _Known, elapsed_s: float | None) -> None:
        """Compare what goes out with what the camera shows, and correct by the rest."""
        known.looked_ns = frame.captured_ns
        wanted, found = details(frame.image, matched)
        if wanted is None or found is None:
            return
        share = 1.0 if elapsed_s is None else 1 - exp(-max(elapsed_s, 0.0) / SETTLING_S)
        correction = share * log(max(wanted.energy, 0.05) / max(found.energy, 0.05))
        known.sharpness = float(np.clip(known.sharpness * exp(correction), *SHARPNESS_RANGE))
        if hypot(*matched.frame_from_crop[:, 0]) > ENLARGED:
            return
        own = max(found.noise**2 - known.grain**2, 0.0) ** 0.5
        missing = GRAIN_SHARE * max(wanted.noise**2 - own**2, 0.0) ** 0.5
        known.grain += share * (min(missing, MOST_GRAIN) - known.grain)

    def _with_grain(self, crop_bgr: BgrU8, grain: float) -> BgrU8:
        if grain < LEAST_GRAIN:
            return crop_bgr
        height, width = crop_bgr.shape[:2]
        if 2 * max(height, width) > len(self._tile):
            self._tile = _grain_tile(self._random, 4 * max(height, width))
        top, left = (int(self._random.random() * (len(self._tile) - side)) for side in (height, width))
        tile = self._tile[top : top + height, left : left + width]
        gain = grain / GRAIN_TILE_STD
        return as_u8(cv2.addWeighted(crop_bgr, 1, tile, gain, -128 * gain))


def sharpened(crop_bgr: BgrU8, sharpness: float) -> BgrU8:
    """Multiply a picture's detail: below 1 it becomes softer, above 1 sharper (an unsharp mask)."""
    if abs(sharpness - 1) < 0.03:
        return crop_bgr
    smooth = cv2.GaussianBlur(crop_bgr, (0, 0), FINE_SIGMA)
    return as_u8(cv2.addWeighted(crop_bgr, sharpness, smooth, 1 - sharpness, 0))


def details(image_bgr: BgrU8, swapped: SwappedFace) -> tuple[_Detail | None, _Detail | None]:
    """Measure the frame and the crop where the crop covers it, both on the frame's grid."""
    height, width = image_bgr.shape[:2]
    rows, columns = swapped.alpha.shape
    corners = swapped.frame_from_crop @ np.array([[0, columns, 0, columns], [0, 0, rows, rows], [1, 1, 1, 1]])
    left, top = (int(v) for v in np.clip(np.floor(corners.min(axis=1)), 0, (width - 2, height - 2)))
    right, bottom = (int(v) for v in np.clip(np.ceil(corners.max(axis=1)), (left + 2, top + 2), (width, height)))
    region_from_crop = swapped.frame_from_crop - np.array([[0, 0, left], [0, 0, top]])
    size = (right - left, bottom - top)
    grey = as_u8(cv2.cvtColor(swapped.crop_bgr, cv2.COLOR_BGR2GRAY))
    crop = as_u8(cv2.warpAffine(grey, region_from_crop, size, borderMode=cv2.BORDER_REPLICATE))
    alpha = as_u8(cv2.warpAffine(swapped.alpha, region_from_crop, size))
    frame = as_u8(cv2.cvtColor(image_bgr[top:bottom, left:right], cv2.COLOR_BGR2GRAY))
    where = as_u8(cv2.erode(alpha, np.ones((5, 5), np.uint8))) > OPAQUE
    return _detail(frame, where), _detail(crop, where)


def _detail(grey: MaskU8, where: NDArray[np.bool_]) -> _Detail | None:
    if np.count_nonzero(where) < FEWEST_PIXELS:
        return None
    image = as_f32(grey)
    fine = np.abs(image - as_f32(cv2.GaussianBlur(image, (0, 0), FINE_SIGMA)))[where]
    return _Detail(float(fine.mean()), MAD_TO_STD * float(np.median(fine)))


def _grain_tile(random: np.random.Generator, side_px: int) -> BgrU8:
    """Make grain to cut pieces from: brightness only, (side_px, side_px, 3), 128 = none."""
    noise = random.standard_normal((side_px, side_px)).astype(np.float32)
    smooth = as_f32(cv2.GaussianBlur(noise, (0, 0), GRAIN_SIGMA))
    levels = np.clip(128 + smooth * (GRAIN_TILE_STD / float(smooth.std())) + 0.5, 0, 255).astype(np.uint8)
    return as_u8(np.repeat(levels[..., None], 3, axis=2))
