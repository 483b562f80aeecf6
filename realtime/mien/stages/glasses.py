"""Glasses: the user's own stay whole in front of the new face, or go, with what of them lies beside it.

Half a rim is worse than either: a face that is too small for its rims to be seen whole loses them.
"""

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.config.choices import GlassesMode
from mien.pipeline.frame import Frame
from mien.pipeline.metrics import Part
from mien.stages._composed_part import ComposedPart, box_around, compose_part
from mien.stages.composite import Paster
from mien.stages.mask import FaceMask, opened
from mien.tracking.worn_glasses import GlassesPlace, WornGlasses
from mien_models.geometry.face_mesh import disc
from mien_models.networks.eyewear import Eyewear
from mien_models.types import BgrU8, Face, MaskU8, SwappedFace, as_f32, as_u8

SEEN_WHOLE_PX: Final = (48.0, 60.0)
"""By itself, glasses that stayed go where a face is narrower than the first, and come back from the second on."""
ANY: Final = 0.15
"""What is rather a rim than this is painted over, where they go; a rim that stays fades out instead."""
MARGIN: Final = 0.02
"""So far around a rim its blur and its shadow reach, in parts of the face's width."""
BESIDE: Final = 0.2
"""So far beside the mesh the temples are looked for, in parts of the face's width."""
TEMPLE: Final = 0.05
"""They are thinner than this, in parts of the face's width."""
TEMPLE_DARKER: Final = 18
"""They are so much darker or lighter than what is beside them, in 8-bit levels."""
ALIKE: Final = 45
"""And in no channel farther from the rims' colour than this."""
SURE: Final = 0.6
"""What is so surely a rim says which colour the rims have."""
REACHES_OUTLINE: Final = 0.08
"""Rims reach the outline that are seen so near to it, in parts of the face's width."""
HINGE: Final = 0.15
"""They do so no farther from the height of the eyes than this, in parts of the face's width."""
STRIP: Final = 0.05
"""A temple goes on no farther above or below that, in parts of the face's width."""
FEWEST_PIXELS: Final = 4
OUTER: Final = ((127, 234, 33), (356, 454, 263))
"""Two points of the outline at the height of an eye and that eye's outer corner, of both sides."""


class GlassesStage:
    """Keeps or removes glasses; remembers those of each followed face by its id."""

    name = "glasses"

    def __init__(self, network: Eyewear, mode: GlassesMode) -> None:
        """Take the network that sees glasses, and what is wished."""
        self._worn = WornGlasses(network)
        self._mode = mode
        self._paster = Paster()
        self._large: dict[int, bool] = {}
        """Whether the rims of a followed face are seen whole, by its id."""
        self._looking = Part("Your glasses")
        self.parts = (self._looking,)

    def __call__(self, frame: Frame) -> Frame:
        """Cut the glasses out of the faces of `frame.swapped`, or paint over what is left of them."""
        chosen = {face.id: face for face in frame.chosen} if self._looking.is_on else dict[int, Face]()
        followed = {face.id for face in frame.faces} | set(chosen) if self._looking.is_on else set[int]()
        for face_id in set(self._large) - followed:
            self._worn.forget(face_id)
            del self._large[face_id]
        if not chosen:
            return frame
        with self._looking.measured():
            swapped = tuple(
                self._done(frame, one, chosen[one.face_id]) if one.face_id in chosen and one.alpha.any() else one
                for one in frame.swapped
            )
        return replace(frame, swapped=swapped)

    def _done(self, frame: Frame, swapped: SwappedFace, face: Face) -> SwappedFace:
        stays = self._stays(face)
        place = self._worn.place(frame.image, face, captured_ns=frame.captured_ns)
        if place is None:
            return swapped
        if stays:
            free = as_u8(np.asarray(255.5 - 255 * place.shares, np.uint8))
            factor = opened(FaceMask(free, place.frame_from_shares, has_thin_lines=True), swapped)
            return replace(swapped, alpha=as_u8(cv2.multiply(swapped.alpha, factor, scale=1 / 255)))
        return _without(frame.image, swapped, face, place, self._paster)

    def _stays(self, face: Face) -> bool:
        was_large = self._large.get(face.id, False)
        self._large[face.id] = face.width_px > SEEN_WHOLE_PX[0 if was_large else 1]
        return self._large[face.id] if self._mode is GlassesMode.AUTO else self._mode is GlassesMode.KEEP


def _without(frame_bgr: BgrU8, swapped: SwappedFace, face: Face, place: GlassesPlace, paster: Paster) -> SwappedFace:
    """Paint over what the new face leaves of the glasses, from what is beside it."""
    part = compose_part(frame_bgr, swapped, box_around(face, beside=BESIDE), paster)
    marked = _marked(part, face, place)
    left = marked & (part.alpha < 255)
    if not left.any():
        return swapped
    y, x = np.nonzero(left)
    spare = 8
    rows, columns = (slice(max(int(v.min()) - spare, 0), int(v.max()) + spare + 1) for v in (y, x))
    hole = np.where(marked[rows, columns], 255, 0).astype(np.uint8)  # nor is anything taken from under a rim
    filled = cv2.inpaint(part.bgr[rows, columns], hole, 3, cv2.INPAINT_TELEA)
    share = cv2.blur(np.asarray(left[rows, columns], np.float32), (3, 3))[..., None]
    before = part.bgr[rows, columns]
    before[:] = np.clip(before + share * (as_f32(filled) - before) + 0.5, 0, 255).astype(np.uint8)
    painted = cv2.dilate(np.asarray(left, np.uint8), np.ones((3, 3), np.uint8)) > 0
    return part.as_swapped(swapped, painted)


def _marked(part: ComposedPart, face: Face, place: GlassesPlace) -> NDArray[np.bool_]:
    """Mark rims on the mesh, and temples that go on from them beside it."""
    height, width = part.alpha.shape
    part_from_shares = place.frame_from_shares - np.array([[0, 0, part.left], [0, 0, part.top]], np.float64)
    shares = cv2.warpAffine(place.shares, part_from_shares, (width, height), flags=cv2.INTER_LINEAR)
    rims = np.where(shares > ANY, 255, 0).astype(np.uint8)
    sure = shares > SURE
    if np.count_nonzero(sure) >= FEWEST_PIXELS:
        lines = _lines(part, face, np.median(part.under_bgr[sure], axis=0))
        for high, low, eye in OUTER:
            strip = _strip(sure, _at(part, face, high, low), _at(part, face, eye), face.width_px)
            rims |= lines & strip
    return np.asarray(cv2.dilate(rims, disc(2 * max(1, round(MARGIN * face.width_px)) + 1)) > 0)


def _at(part: ComposedPart, face: Face, *points: int) -> NDArray[np.float64]:
    """Give the middle of some points in pixels of the part."""
    return np.asarray(face.landmarks[list(points), :2].mean(axis=0) - (part.left, part.top), np.float64)


def _lines(part: ComposedPart, face: Face, colour: NDArray[np.float64]) -> MaskU8:
    """Mark thin lines of the rims' colour, (3,) blue first; what is left of hair among them differs little from it."""
    window = disc(2 * max(1, round(TEMPLE * face.width_px / 2)) + 1)
    dark, light = (
        as_u8(cv2.morphologyEx(part.under_bgr, how, window)).max(axis=2)
        for how in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT)
    )
    is_line = np.maximum(dark, light) > TEMPLE_DARKER
    is_alike = np.abs(part.under_bgr - colour).max(axis=2) < ALIKE
    return as_u8(np.where(is_line & is_alike, 255, 0).astype(np.uint8))


def _strip(rims: NDArray[np.bool_], outline: NDArray[np.float64], eye: NDArray[np.float64], face_px: float) -> MaskU8:
    """Mark where a temple runs beside the face: it goes on from where the rims reach the face's outline."""
    strip = np.zeros(rims.shape, np.uint8)
    outwards = (outline - eye) / max(float(np.linalg.norm(outline - eye)), 1.0)
    upwards = np.array([-outwards[1], outwards[0]])
    y, x = np.nonzero(rims)
    places = np.stack([x, y], axis=1) - outline
    across, along = places @ outwards / face_px, places @ upwards / face_px
    near = (across > -REACHES_OUTLINE) & (np.abs(along) < HINGE)
    if np.count_nonzero(near) < FEWEST_PIXELS:
        return strip
    start = outline + (upwards * float(np.median(along[near])) - outwards * REACHES_OUTLINE) * face_px
    end = start + outwards * (BESIDE + REACHES_OUTLINE) * face_px
    ends = [(round(float(point[0])), round(float(point[1]))) for point in (start, end)]
    cv2.line(strip, ends[0], ends[1], (255,), max(3, round(2 * STRIP * face_px)))
    return strip
