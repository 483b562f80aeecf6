"""Tone: where a face keeps some of the photo's skin tone, ears and neck take it on, so that nothing ends in a line.

Skin is what has the colour of the wearer's own face and is near it. How far the new face's tone is from the wearer's is
measured on the face and smoothed in time.
"""

from dataclasses import dataclass, replace
from math import exp
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien.stages._frame_part import FramePart, box_around, frame_part
from mien.stages.colour import SkinView, view_skin
from mien_models.geometry.face_regions import OVAL
from mien_models.types import Face, SwappedFace, as_f32, as_u8

REACH: Final = (0.25, 0.1, 0.9)
"""So far beside, above and below the face its tone is carried, in parts of its width."""
FADES: Final = 0.55
"""It is half gone so far from the face, in parts of the face's width."""
SPREAD: Final = (12.0, 5.0, 5.0)
"""Skin differs from the face's by no less than this in lightness, red-green and yellow-blue, whatever was measured."""
NEUTRAL: Final = 128
"""Grey in red-green and yellow-blue."""
OF_CHROMA: Final = 0.4
"""And by no more in these than this part of its own chroma, whatever was measured: a grey wall is no skin."""
SOFT: Final = 0.03
"""What is skin is smoothed so far, in parts of the face's width."""
SETTLING_S: Final = 0.4
"""Time constant with which the difference of tone follows what is measured."""
LENIENT: Final = 4
"""A pixel counts fully that is so many times less likely skin than the surest: pores do, walls and rims do not."""
SMALL_PX: Final = 160
"""What is skin is worked out on a picture in which a face is at most so wide."""


@dataclass(slots=True)
class _Known:
    change: NDArray[np.float64]
    """(3,) the new face's tone less the wearer's, in Lab as OpenCV's 8-bit code stores it."""
    skin: NDArray[np.float64]
    """(2, 3) the wearer's mean and spread in the same."""
    seen_ns: int


class ToneStage:
    """Carries the tone of each swapped face on; remembers the difference by the face's id."""

    name = "tone"

    def __init__(self) -> None:
        """Begin without any face."""
        self._known: dict[int, _Known] = {}

    def __call__(self, frame: Frame) -> Frame:
        """Tint the skin around the faces of `frame.swapped`."""
        chosen = {face.id: face for face in frame.chosen}
        followed = {face.id for face in frame.faces}
        self._known = {face_id: known for face_id, known in self._known.items() if face_id in followed}
        swapped = tuple(
            self._toned(frame, one, chosen[one.face_id]) if one.face_id in chosen and one.alpha.any() else one
            for one in frame.swapped
        )
        return replace(frame, swapped=swapped)

    def _toned(self, frame: Frame, swapped: SwappedFace, face: Face) -> SwappedFace:
        view = view_skin(frame.image, swapped)
        known = self._known.get(face.id)
        if view.is_enough:
            known = self._known[face.id] = _followed(known, view, frame.captured_ns)
        beside, above, below = REACH
        part = frame_part(frame.image, swapped, box_around(face, beside=beside, above=above, below=below))
        if known is None or part is None:
            return swapped
        size = part.bgr.shape[1::-1]
        share, change = _change(part, face, known)
        where = cv2.resize(np.where(share > 1 / 64, 255, 0).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        cv2.add(part.bgr, cv2.resize(change, size, interpolation=cv2.INTER_LINEAR), dst=part.bgr, dtype=cv2.CV_8U)
        return part.retouched(swapped, as_u8(where))


def _followed(known: _Known | None, view: SkinView, now_ns: int) -> _Known:
    crop, worn = view.crop, view.frame
    change, skin = crop.mean_lab - worn.mean_lab, np.stack([worn.mean_lab, worn.std_lab])
    if known is None:
        return _Known(change, skin, now_ns)
    share = 1 - exp(-max(now_ns - known.seen_ns, 0) / 1e9 / SETTLING_S)
    return _Known(known.change + share * (change - known.change), known.skin + share * (skin - known.skin), now_ns)


def _change(part: FramePart, face: Face, known: _Known) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Say, at a fraction of a part's resolution, how much is skin, 0..1, and what is added to it, in 8-bit levels.

    The skin under the face is tinted, too: what shows where the face is open has the same tone.
    """
    scale = min(1.0, SMALL_PX / face.width_px)
    size = [max(2, round(side * scale)) for side in part.bgr.shape[1::-1]]
    small = as_u8(cv2.resize(part.bgr, size, interpolation=cv2.INTER_AREA))
    lab = as_f32(cv2.cvtColor(small, cv2.COLOR_BGR2LAB))
    face_px = face.width_px * scale
    likely = _likely(lab, known.skin)
    soft = as_f32(cv2.GaussianBlur(likely, (0, 0), max(SOFT * face_px, 0.5)))
    outline = part.placed(face.landmarks[list(OVAL), :2]) * np.float32(scale)
    outside = cv2.fillPoly(np.full(small.shape[:2], 255, np.uint8), [np.round(outline).astype(np.int32)], (0,))
    far = as_f32(cv2.distanceTransform(outside, cv2.DIST_L2, 5)) / np.float32(FADES * face_px)
    is_skin = as_f32(np.clip(2 * soft, 0, 1) * np.clip(LENIENT * likely, 0, 1))
    share = as_f32(is_skin * np.exp2(-far * far) * _fade(size[1], size[0], face_px))
    tinted = np.clip(lab + share[..., None] * as_f32(known.change) + 0.5, 0, 255).astype(np.uint8)
    return share, cv2.cvtColor(tinted, cv2.COLOR_LAB2BGR).astype(np.int16) - small


def _likely(lab: NDArray[np.float32], skin: NDArray[np.float64]) -> NDArray[np.float32]:
    """Say how likely each pixel is this person's skin: (h, w), 0..1."""
    most = max(OF_CHROMA * float(np.hypot(*(skin[0, 1:] - NEUTRAL))), SPREAD[1])
    away = (lab - as_f32(skin[0])) / as_f32(np.clip(2 * skin[1], SPREAD, (np.inf, most, most)))
    # A neck lies in the chin's shadow: of darker skin more counts than of lighter.
    away[..., 0] = np.where(away[..., 0] < 0, away[..., 0] / 2, away[..., 0])
    return as_f32(np.exp(-0.5 * np.square(away).sum(axis=2)))


def _fade(height: int, width: int, face_px: float) -> NDArray[np.float32]:
    """Fall to 0 at the part's edges: (h, w)."""
    reach = max(0.15 * face_px, 1.0)
    return _ramp(height, reach)[:, None] * _ramp(width, reach)[None]


def _ramp(count: int, reach: float) -> NDArray[np.float32]:
    """Rise from 0 at both ends to 1 within `reach`: (count,)."""
    places = np.arange(count, dtype=np.float32)
    inwards = as_f32(np.minimum(places, count - 1 - places) / np.float32(reach))
    return as_f32(np.clip(inwards, 0, 1))
