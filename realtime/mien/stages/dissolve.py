"""Keeps real faces out of dissolves, in which nobody can follow them: both shots are swapped, then faded anew."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from mien.pipeline.frame import Frame
from mien.provenance.release import SwappedPicture
from mien_models.types import BgrU8, Face, MaskU8, as_u8

_MARGIN: Final = 0.6
"""Face widths around a face in which it may move while a dissolve lasts."""
_FEATHER: Final = 0.2
"""Of the margin, in parts: where what is drawn anew goes over into the frame."""
_BACK_STEP: Final = 0.15
"""Where the share goes back by more, another dissolve begins."""
_MOST_BYTES: Final = 1 << 30
"""Pictures that are held back; 80 of 1920 x 1080 pixels with their swapped ones."""
_COARSE_PX: Final = 24
"""Pixels along the long side of a picture in which nobody is known any more."""


class DissolveStage:
    """Draws the faces of a dissolve anew: as a fade from the last frame before it, swapped, to the first one after it.

    Two faces that shine through each other are followed badly, and what is swapped of one shows the other. Between two
    pictures that are safe to show every mixture is safe; heads rest for as long as the dissolve lasts. One that is too
    long and large to be held shows its first frames out of focus. Has state: the frames that are held back.
    """

    name = "dissolve"

    def __init__(self) -> None:
        """Begin without any frame."""
        self._before: Frame | None = None
        self._held: list[Frame] = []

    def __call__(self, frame: Frame) -> Frame:
        """Take a frame and give it at once, whatever may come."""
        return (*self.take(frame), *self.rest())[-1]

    def take(self, frame: Frame) -> Sequence[Frame]:
        """Take the next frame; give those that are done, in order."""
        if frame.dissolve_share is not None:
            self._held.append(frame)
            return self.rest() if sum(map(_bytes_of, self._held)) > _MOST_BYTES else ()
        done = (*self._faded(frame), frame)
        self._before = frame
        return done

    def rest(self) -> Sequence[Frame]:
        """Give every frame that is held back, though it is not known what comes."""
        return self._faded(None)

    def _faded(self, after: Frame | None) -> list[Frame]:
        held, self._held = self._held, []
        before = self._before or after
        ends = [frame for frame in (before, after) if frame is not None]
        if not held or (after is not None and not any(frame.swapped for frame in (*ends, *held))):
            return held
        if before is None or after is None or not _is_one_fade(held):
            return [_unfocused(frame) for frame in held]
        faces = [face for frame in (*ends, *held) for face in frame.chosen]
        place = _around(faces, held[0].image.shape[:2])
        return [_drawn(frame, before, after, place) for frame in held]


def _is_one_fade(held: Sequence[Frame]) -> bool:
    """Tell whether the held frames lead from one shot to the next, not over a third that is never seen alone."""
    shares = np.array([frame.dissolve_share for frame in held])
    return bool((np.diff(shares) > -_BACK_STEP).all())


def _drawn(frame: Frame, before: Frame, after: Frame, place: MaskU8) -> Frame:
    share = frame.dissolve_share or 0.0
    faded = _shown(after).mixed_into(_shown(before), share)
    return replace(frame, composed=faded.laid_over(_shown(frame), place))


def _shown(frame: Frame) -> SwappedPicture:
    return frame.composed or SwappedPicture(frame.image)


def _unfocused(frame: Frame) -> Frame:
    height, width = frame.image.shape[:2]
    scale = _COARSE_PX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    coarse: BgrU8 = as_u8(cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA))
    return replace(frame, composed=SwappedPicture(as_u8(cv2.resize(coarse, (width, height)))))


def _around(faces: Sequence[Face], size: tuple[int, int]) -> MaskU8:
    """Give 255 around the faces, fading out at the edge; (height, width)."""
    place = np.zeros(size, np.uint8)
    for face in faces:
        left, top, right, bottom = (float(side) for side in face.box_xyxy)
        margin = _MARGIN * face.width_px
        middle = round((left + right) / 2), round((top + bottom) / 2)
        axes = round((right - left) / 2 + margin), round((bottom - top) / 2 + margin)
        cv2.ellipse(place, middle, axes, 0, 0, 360, 255, -1)
    widest = max((face.width_px for face in faces), default=1.0)
    reach = 2 * round(_FEATHER * _MARGIN * widest) + 1
    return as_u8(cv2.blur(place, (reach, reach)))


def _bytes_of(frame: Frame) -> int:
    return frame.image.nbytes * (1 if frame.composed is None else 2)
