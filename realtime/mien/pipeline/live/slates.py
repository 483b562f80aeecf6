"""The pictures that Mien shows of itself, calm, dark, one short sentence; and how they give way to a swapped one."""

import math
from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.media.text import text_mask
from mien.pipeline.live.state import Cause
from mien.provenance.release import SwappedPicture
from mien_models.types import BgrU8, MaskU8

_TOP_BGR: Final = (46, 36, 30)
_BOTTOM_BGR: Final = (26, 20, 17)
_TITLE_BGR: Final = (244, 240, 236)
_LINE_BGR: Final = (178, 168, 160)
_WIDEST_PART: Final = 0.86
"""Text is made smaller rather than wider than this part of the card."""
_BLUR_WIDTH_PX: Final = 12
"""A face that fills half the width keeps 6 pixels across; people recognise friends down to about 7 (Sinha 2006)."""


@dataclass(frozen=True, slots=True)
class Slate:
    """What one card says."""

    title: str
    line: str
    accent_bgr: tuple[int, int, int]
    """Colour of the small sign above the title."""


CARDS: Final = {
    Cause.STARTING: Slate("Starting", "The picture will be here in a moment", (214, 170, 96)),
    Cause.NO_FACE: Slate("Looking for a face", "Back as soon as one is in view", (214, 170, 96)),
    Cause.PRIVACY: Slate("Camera off", "Hidden on purpose", (150, 142, 136)),
    Cause.CAMERA: Slate("Camera disconnected", "Waiting for it to come back", (84, 150, 240)),
    Cause.SWAP: Slate("Picture interrupted", "Trying again", (84, 150, 240)),
    Cause.ENDED: Slate("Picture ended", "It does not come back by itself", (84, 150, 240)),
}


class Slates:
    """Draws each card once for one size and keeps it; nobody writes into what it gives. One thread asks at a time."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._background: BgrU8 | None = None
        self._drawn: dict[Cause, BgrU8] = {}

    def card(self, cause: Cause) -> BgrU8:
        """The card for `cause`, (height, width, 3)."""
        if self._background is None:
            self._background = _background(*self._size)
        if cause not in self._drawn:
            self._drawn[cause] = _draw(CARDS[cause], cause, self._background.copy())
        return self._drawn[cause]


def _draw(card: Slate, cause: Cause, picture: BgrU8) -> BgrU8:
    height, width = picture.shape[:2]
    unit = min(width, height) / 100
    # Where the picture is a thumbnail in a call, a title of 6.5 % of its short side can still be read.
    _ink(picture, _fitting(card.title, unit * 6.5, width, weight=600), _TITLE_BGR, height / 2 + unit * 4)
    _ink(picture, _fitting(card.line, unit * 3.4, width, weight=400), _LINE_BGR, height / 2 + unit * 16)
    _ink(picture, _sign(cause, max(round(unit * 17), 4)), card.accent_bgr, height / 2 - unit * 15)
    return picture


def _background(width: int, height: int) -> BgrU8:
    down = np.linspace(0, 1, height)[:, None, None]
    shade: NDArray[np.float64] = np.array(_TOP_BGR) * (1 - down) + np.array(_BOTTOM_BGR) * down
    # Half a step of noise hides the bands that eight bits and a video codec make of a dark gradient.
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (height, 64, 1))
    columns = np.round(shade + noise).astype(np.uint8)
    return np.tile(columns, (1, math.ceil(width / 64), 1))[:, :width]


def _fitting(text: str, cap_height_px: float, width: int, *, weight: int) -> MaskU8:
    mask = text_mask(text, max(round(cap_height_px), 1), weight=weight)
    room = width * _WIDEST_PART
    if mask.shape[1] <= room:
        return mask
    return text_mask(text, max(int(cap_height_px * room / mask.shape[1]), 1), weight=weight)


def _ink(picture: BgrU8, mask: MaskU8, colour_bgr: tuple[int, int, int], centre_y: float) -> None:
    """Draw `mask` in one colour, in the middle of the width and around `centre_y`; what does not fit is cut off."""
    height, width = picture.shape[:2]
    mask = mask[:height, :width]
    left = (width - mask.shape[1]) // 2
    top = min(max(round(centre_y - mask.shape[0] / 2), 0), height - mask.shape[0])
    area = picture[top : top + mask.shape[0], left : left + mask.shape[1]]
    cover = mask[:, :, None].astype(np.float32) / 255
    area[...] = np.round(area * (1 - cover) + np.array(colour_bgr, np.float32) * cover)


def _sign(cause: Cause, side: int) -> MaskU8:
    """Draw the small sign: a ring of dots, a face, or a camera, struck out where it is off or gone."""
    big = np.zeros((400, 400), np.uint8)
    if cause is Cause.STARTING:
        for x in (110, 200, 290):
            cv2.circle(big, (x, 200), 28, 255, -1, cv2.LINE_AA)
    elif cause is Cause.NO_FACE:
        _draw_face(big)
    else:
        _draw_camera(big)
        if cause not in {Cause.SWAP, Cause.ENDED}:
            cv2.line(big, (70, 330), (330, 70), 0, 52, cv2.LINE_AA)
            cv2.line(big, (70, 330), (330, 70), 255, 22, cv2.LINE_AA)
    return cv2.resize(big, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _draw_face(canvas: MaskU8) -> None:
    cv2.circle(canvas, (200, 150), 72, 255, 22, cv2.LINE_AA)
    cv2.ellipse(canvas, (200, 360), (130, 100), 0, 180, 360, 255, 22, cv2.LINE_AA)


def _draw_camera(canvas: MaskU8) -> None:
    for corner in ((80, 150), (230, 150), (80, 270), (230, 270)):
        cv2.circle(canvas, corner, 25, 255, -1, cv2.LINE_AA)
    cv2.rectangle(canvas, (55, 150), (255, 270), 255, -1)
    cv2.rectangle(canvas, (80, 125), (230, 295), 255, -1)
    cv2.fillConvexPoly(canvas, np.array([[275, 190], [345, 140], [345, 280], [275, 230]]), 255, cv2.LINE_AA)


FADE_S: Final = 0.17
"""Five frames of thirty a second: long enough not to be a blow, too short to be waited for."""


@dataclass(frozen=True, slots=True, eq=False)
class Crossfade:
    """A cross-fade between two pictures that are both safe to show; so is everything between them."""

    before_bgr: BgrU8
    """What was shown last, of the session's size: a card, a blur or a swapped picture, never the camera's own."""
    began_ns: int
    """When the picture before the first swapped one was delivered."""
    length_s: float

    @classmethod
    def after(cls, before_bgr: BgrU8, *, away_s: float, began_ns: int) -> Self:
        """Fade for no longer than the swapped picture was away: one missed frame leaves no double image behind."""
        return cls(before_bgr, began_ns, min(FADE_S, away_s))

    def picture(self, swapped: SwappedPicture, now_ns: int) -> SwappedPicture | None:
        """Mix the swapped picture of now, of the same size, into what was before; None when the fade is over."""
        share = (now_ns - self.began_ns) * 1e-9 / max(self.length_s, 1e-9)
        if share >= 1:
            return None
        return swapped.mixed_into(self.before_bgr, max(share, 0.0))


def blurred(image_bgr: BgrU8) -> BgrU8:
    """Leave of a picture only where it is bright and of which colour: 12 pixels of its width, run together."""
    height, width = image_bgr.shape[:2]
    small_size = (_BLUR_WIDTH_PX, max(round(_BLUR_WIDTH_PX * height / width), 1))
    small = cv2.GaussianBlur(cv2.resize(image_bgr, small_size, interpolation=cv2.INTER_AREA), (0, 0), 1.0)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)
