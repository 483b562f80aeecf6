"""The stage that says on the picture that it was modified."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.lettering import text_mask
from mien.packet import FramePacket
from mien_models.arrays import BgrU8

LABEL_TEXT: Final = "AI MODIFIED"
_CAPS_PER_SHORT_SIDE: Final = 0.05
_WIDEST_PART: Final = 0.9
"""A label may cover this part of the picture's width; on a narrow portrait frame its letters become smaller."""
_PLATE_STAYS: Final = 0.35
"""How much of the picture shines through the dark plate: white letters keep a contrast above 4.5 on pure white."""


class LabelStage:
    """Draws the disclosure label, top right; remembers the label drawn for the last frame size.

    It takes ownership of `packet.composed`, which compose makes anew for every frame, and draws into it.
    """

    name = "label"

    def __init__(self) -> None:
        self._label: _Label | None = None

    def __call__(self, packet: FramePacket) -> FramePacket:
        """Draw the label if the frame carries a swapped face; any other frame passes untouched."""
        if packet.composed is None or not packet.swapped:
            return packet
        height, width = packet.composed.shape[:2]
        if self._label is None or self._label.size != (width, height):
            self._label = _Label(width, height)
        self._label.draw(packet.composed)
        return packet


class _Label:
    """The label for one frame size: `out = picture * stays + adds`, on its rectangle only."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        letters = _letters_within(min(width, height), width)
        pad = max(round(letters.shape[0] * 0.5), 2)
        ink = np.pad(letters, pad)[:height, :width].astype(np.float32) / 255
        margin = min(pad, height - ink.shape[0], width - ink.shape[1])
        self._rows = slice(margin, margin + ink.shape[0])
        self._columns = slice(width - margin - ink.shape[1], width - margin)
        stays = (1 - ink) * _PLATE_STAYS
        # 8.8 fixed point: two integer operations per byte, no float copy of the picture.
        self._stays_256: NDArray[np.uint16] = np.repeat(np.round(stays * 256).astype(np.uint16)[:, :, None], 3, axis=2)
        self._adds_256: NDArray[np.uint16] = np.repeat(
            np.round(ink * 255 * 256).astype(np.uint16)[:, :, None], 3, axis=2
        )

    def draw(self, picture: BgrU8) -> None:
        """Draw into `picture`, which must have this label's frame size."""
        area = picture[self._rows, self._columns]
        mixed = area * self._stays_256
        mixed += self._adds_256
        mixed >>= 8
        area[...] = mixed


def _letters_within(short_side: int, width: int) -> NDArray[np.uint8]:
    """Draw the words with capitals of a twentieth of the short side, smaller only where the width forces it."""
    caps = max(math.ceil(short_side * _CAPS_PER_SHORT_SIDE), 1)
    letters = text_mask(LABEL_TEXT, caps, weight=700)
    while letters.shape[1] + letters.shape[0] > width * _WIDEST_PART and caps > 1:
        caps -= 1
        letters = text_mask(LABEL_TEXT, caps, weight=700)
    return letters
