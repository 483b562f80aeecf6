"""Glasses: the user's own stay whole in front of the new face, or go, with what of them lies beside it.

Those that stay are cut out of the face's alpha. Those that go are painted over in the camera's picture, under the face.
Half a rim is worse than either: a face that is too small for its rims to be seen whole loses them.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import hypot
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.config.choices import GlassesMode
from mien.pipeline.frame import Frame
from mien.pipeline.metrics import Part
from mien.stages._frame_part import FramePart, box_around, frame_part
from mien.tracking.worn_glasses import GlassesPlace, WornGlasses, laid_over
from mien_models.geometry.face_mesh import disc, face_topology
from mien_models.networks.eyewear import Eyewear
from mien_models.networks.rims import Rims
from mien_models.types import BgrU8, Face, MaskU8, PointsF32, SwappedFace, as_f32, as_u8

SEEN_WHOLE_PX: Final = (48.0, 60.0)
"""By itself, glasses that stayed go where a face is narrower than the first, and come back from the second on."""
ANY: Final = 40
"""What is rather a rim than this, of 255, is painted over, where they go; a rim that stays fades out instead."""
MARGIN: Final = 0.02
"""So far around a rim its blur and its shadow reach, in parts of the face's width."""
AROUND: Final = 0.12
"""What is painted over takes its colours from so far around, in parts of the face's width."""
BESIDE: Final = 0.2
"""So far beside the mesh the temples are looked for, in parts of the face's width."""
TEMPLE: Final = 0.05
"""They are thinner than this, in parts of the face's width."""
TEMPLE_DARKER: Final = 18
"""They are so much darker or lighter than what is beside them, in 8-bit levels."""
ALIKE: Final = 45
"""And in no channel farther from the rims' colour than this."""
SURE: Final = 153
"""What is so surely a rim, of 255, says which colour the rims have."""
REACHES_OUTLINE: Final = 0.08
"""Rims reach the outline that are seen so near to it, in parts of the face's width."""
END: Final = 0.03
"""Where they end, a temple goes on at the mean height of so much of them, in parts of the face's width."""
STRIP: Final = 0.035
"""And no farther above or below that than this, in parts of the face's width."""
SPARSE: Final = 4
"""One in so many of them is asked."""
FEWEST_PIXELS: Final = 4
FILLED_PX: Final = 100.0
"""What is painted over is worked out at the resolution at which a face is about so wide: skin around it, smooth."""
LEVELS: Final = 4
"""So many times the surroundings are halved until they reach into the middle of what is painted over."""
HEIGHT: Final = (66, 296, 70, 300, 50, 280, 127, 356, 234, 454)
"""Brows, cheekbones and the outline beside the eyes, between which glasses are."""
ABOVE: Final = 0.1
"""Or so far above and below, in parts of the face's width."""
EYES: Final = (33, 263)
"""The eyes' outer corners."""


class GlassesStage:
    """Keeps or removes glasses; remembers those of each followed face by its id."""

    name = "glasses"

    def __init__(self, network: Eyewear, rims: Rims, mode: GlassesMode) -> None:
        """Take the networks that see glasses, and what is wished."""
        self._worn = WornGlasses(network, rims)
        self._mode = mode
        self._large: dict[int, bool] = {}
        """Whether the rims of a followed face are seen whole, by its id."""
        self._looking = Part("Your glasses")
        self.parts = (self._looking,)

    def __call__(self, frame: Frame) -> Frame:
        """Cut the glasses out of the faces of `frame.swapped`, or paint them over beneath."""
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
        return _kept(swapped, face, place) if stays else _removed(frame.image, swapped, face, place)

    def _stays(self, face: Face) -> bool:
        was_large = self._large.get(face.id, False)
        self._large[face.id] = face.width_px > SEEN_WHOLE_PX[0 if was_large else 1]
        return self._large[face.id] if self._mode is GlassesMode.AUTO else self._mode is GlassesMode.KEEP


def _kept(swapped: SwappedFace, face: Face, glasses: GlassesPlace) -> SwappedFace:
    """Open the alpha where glasses are."""
    height, width = swapped.alpha.shape
    found = laid_over(glasses, _in_crop(swapped, face_topology().with_rim(face.landmarks)), width, height)
    if found is None:
        return swapped
    alpha = swapped.alpha.copy()
    rows, columns = found.place
    alpha[rows, columns] = cv2.multiply(alpha[rows, columns], cv2.bitwise_not(found.image), scale=1 / 255)
    return replace(swapped, alpha=alpha)


def _in_crop(swapped: SwappedFace, points: PointsF32) -> PointsF32:
    """Take (n, 3) points of the frame to the crop, through the warp."""
    crop_from_frame = cv2.invertAffineTransform(swapped.frame_from_crop)
    xy = points[:, :2] if swapped.warp is None else swapped.warp.moved(points[:, :2])
    placed = np.empty_like(points)
    placed[:, :2] = xy @ crop_from_frame[:, :2].T + crop_from_frame[:, 2]
    placed[:, 2] = points[:, 2] * hypot(*crop_from_frame[:, 0])
    return placed


def _removed(frame_bgr: BgrU8, swapped: SwappedFace, face: Face, glasses: GlassesPlace) -> SwappedFace:
    """Paint glasses over, from what is beside them."""
    part = frame_part(frame_bgr, swapped, _box_of_glasses(face))
    marked = None if part is None else _marked(part, face, glasses)
    if part is None or marked is None:
        return swapped
    x, y, width, height = cv2.boundingRect(marked)
    spare = max(2, round(AROUND * face.width_px))
    rows, columns = slice(max(0, y - spare), y + height + spare), slice(max(0, x - spare), x + width + spare)
    share = cv2.blur(as_f32(marked[rows, columns]) / 255, (3, 3))
    filled = _filled(part.bgr[rows, columns], marked[rows, columns], face.width_px)
    part.bgr[rows, columns] = cv2.blendLinear(filled, part.bgr[rows, columns], share, 1 - share)
    return part.retouched(swapped, as_u8(cv2.dilate(marked, disc(3))))


def _box_of_glasses(face: Face) -> tuple[int, int, int, int]:
    """Give the box around a face at the height of its glasses."""
    left, top, right, bottom = box_around(face, beside=BESIDE)
    rows = face.landmarks[list(HEIGHT), 1]
    spare = ABOVE * face.width_px
    return left, max(top, int(rows.min() - spare)), right, min(bottom, int(rows.max() + spare))


def _marked(part: FramePart, face: Face, glasses: GlassesPlace) -> MaskU8 | None:
    """Mark rims on the mesh, and temples that go on from them beside it; None where there are none."""
    height, width = part.bgr.shape[:2]
    points = face_topology().with_rim(face.landmarks)
    points[:, :2] = part.placed(points[:, :2])
    found = laid_over(glasses, points, width, height)
    if found is None:
        return None
    on_mesh = np.zeros((height, width), np.uint8)
    on_mesh[found.place] = found.image
    marked = as_u8(cv2.threshold(on_mesh, ANY, 255, cv2.THRESH_BINARY)[1])
    y, x = (places[::SPARSE] for places in np.nonzero(on_mesh > SURE))
    if len(x) >= FEWEST_PIXELS:
        sure, colour = np.stack([x, y], axis=1), np.median(part.bgr[y, x], axis=0)
        for temple in _temples(sure, part.placed(face.landmarks[:, :2]), face.width_px):
            _mark_temple(marked, part.bgr, temple, colour, face.width_px)
    return as_u8(cv2.dilate(marked, disc(2 * max(1, round(MARGIN * face.width_px)) + 1))) if marked.any() else None


def _mark_temple(
    marked: MaskU8, bgr: BgrU8, temple: NDArray[np.float64], colour: NDArray[np.float64], face_px: float
) -> None:
    """Mark thin lines of the rims' colour along where a temple runs beside the face, (2, 2), in place."""
    wide = max(3, round(2 * STRIP * face_px))
    spare = wide // 2 + max(1, round(TEMPLE * face_px))
    left, top = np.maximum(np.floor(temple.min(axis=0)).astype(int) - spare, 0).tolist()
    right, bottom = np.maximum(np.ceil(temple.max(axis=0)).astype(int) + spare, (left, top)).tolist()
    beside = bgr[top:bottom, left:right]
    if beside.size == 0:
        return
    strip = np.zeros(beside.shape[:2], np.uint8)
    start, end = ((round(float(x)) - left, round(float(y)) - top) for x, y in temple)
    cv2.line(strip, start, end, (255,), wide)
    marked[top:bottom, left:right] |= _lines(beside, face_px, colour) & strip


def _lines(bgr: BgrU8, face_px: float, colour: NDArray[np.float64]) -> MaskU8:
    """Mark thin lines of the rims' colour, (3,) blue first; what is left of hair among them differs little from it."""
    window = disc(2 * max(1, round(TEMPLE * face_px / 2)) + 1)
    contrast = cv2.max(*(cv2.morphologyEx(bgr, how, window) for how in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT)))
    off = cv2.absdiff(bgr, as_u8(np.full_like(bgr, np.round(colour))))
    line, alike = (cv2.max(cv2.max(*channels[:2]), channels[2]) for channels in map(cv2.split, (contrast, off)))
    return as_u8(np.where((line > TEMPLE_DARKER) & (alike < ALIKE), 255, 0).astype(np.uint8))


def _filled(bgr: BgrU8, marked: MaskU8, face_px: float) -> BgrU8:
    """Spread what is not marked over what is, the nearest first: (h, w, 3)."""
    height, width = marked.shape
    step = max(1, round(face_px / FILLED_PX))
    size = max(1, width // step), max(1, height // step)
    rows, columns = slice(0, size[1] * step), slice(0, size[0] * step)
    hidden, small = (
        as_u8(cv2.resize(image[rows, columns], size, interpolation=cv2.INTER_AREA)) for image in (marked, bgr)
    )
    free = as_f32(hidden == 0)
    levels = [as_f32(cv2.merge([*(channel * free for channel in cv2.split(small)), free]))]
    for _ in range(LEVELS):
        levels.append(as_f32(cv2.pyrDown(levels[-1])))
    filled = levels[-1]
    for finer in reversed(levels[:-1]):
        coarse = as_f32(cv2.pyrUp(filled, dstsize=finer.shape[1::-1]))
        coarse /= np.maximum(coarse[..., 3:], 1e-4)
        filled = finer + (1 - finer[..., 3:]) * coarse
    return as_u8(cv2.resize((filled[..., :3] + 0.5).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR))


def _temples(sure: NDArray[np.int64], landmarks: NDArray[np.float32], face_px: float) -> Iterator[NDArray[np.float64]]:
    """Say between which points, (2, 2), temples run beside the face: on from where the rims reach its outline."""
    left, right = landmarks[list(EYES)].astype(np.float64)
    across = (right - left) / max(float(np.linalg.norm(right - left)), 1.0)
    for outwards in (-across, across):
        far, edge = sure @ outwards, float((landmarks @ outwards).max())
        if edge - far.max() > REACHES_OUTLINE * face_px:
            continue
        start = sure[far > far.max() - END * face_px].mean(axis=0)
        yield np.stack([start, start + outwards * (edge + BESIDE * face_px - far.max())])
