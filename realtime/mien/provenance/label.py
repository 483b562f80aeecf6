"""The visible label: what it says and where it stands."""

import locale
import math
import os
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.media.text import text_mask
from mien_models.types import BgrU8

TEXTS: Final = {
    "en": "AI MODIFIED",
    "de": "KI-VERÄNDERT",
    "fr": "MODIFIÉ PAR IA",
    "es": "MODIFICADO POR IA",
    "it": "MODIFICATO CON IA",
    "pt": "MODIFICADO POR IA",
    "zh": "AI生成",
}
"""By language; all others read English. The Chinese words are those of GB 45438-2025."""
_CAPS_PER_SHORT_SIDE: Final = 0.05
_WIDEST_PART: Final = 0.9
"""A label may cover this part of the picture's width; on a narrow portrait frame its letters become smaller."""
_PLATE_STAYS: Final = 0.35
"""How much of the picture shines through the dark plate: white letters keep a contrast above 4.5 on pure white."""


class Label:
    """The label for one frame size: `out = picture * stays + adds`, on its rectangle only."""

    def __init__(self, width: int, height: int, text: str) -> None:
        left, top, inner_width, inner_height = central_part(width, height)
        letters = _letters_within(text, min(width, height), inner_width)
        pad = max(round(min(width, height) * _CAPS_PER_SHORT_SIDE * 0.5), 2)
        ink = np.pad(letters, pad)[:inner_height, :inner_width].astype(np.float32) / 255
        margin = min(pad, inner_height - ink.shape[0], inner_width - ink.shape[1])
        self.left = left + inner_width - margin - ink.shape[1]
        self.top = top + margin
        self.rows = slice(self.top, self.top + ink.shape[0])
        self.columns = slice(self.left, self.left + ink.shape[1])
        stays = (1 - ink) * _PLATE_STAYS
        # 8.8 fixed point: two integer operations per byte, no float copy of the picture.
        self._stays_256: NDArray[np.uint16] = np.repeat(np.round(stays * 256).astype(np.uint16)[:, :, None], 3, axis=2)
        self._adds_256: NDArray[np.uint16] = np.repeat(
            np.round(ink * 255 * 256).astype(np.uint16)[:, :, None], 3, axis=2
        )

    def over(self, picture: BgrU8) -> BgrU8:
        """Give the label's rectangle of `picture`, which must have this label's frame size, with the label on it."""
        mixed = picture[self.rows, self.columns] * self._stays_256
        mixed += self._adds_256
        mixed >>= 8
        return mixed.astype(np.uint8)


def central_part(width: int, height: int) -> tuple[int, int, int, int]:
    """Give left, top, width and height of the central 4:3 (3:4 of an upright picture), which tiles of calls keep."""
    if width * 3 > height * 4:
        inner = max(height * 4 // 3, 1)
        return (width - inner) // 2, 0, inner, height
    if height * 3 > width * 4:
        inner = max(width * 4 // 3, 1)
        return 0, (height - inner) // 2, width, inner
    return 0, 0, width, height


def label_text(language: str | None = None) -> str:
    """Give the words in a language ('de', 'pt_BR', ...), by default that of the user."""
    asked = language or os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    asked = asked or locale.getlocale()[0] or ""
    return TEXTS.get(asked[:2].lower(), TEXTS["en"])


def _letters_within(text: str, short_side: int, width: int) -> NDArray[np.uint8]:
    """Draw the words with capitals of a twentieth of the short side, smaller only where the width forces it."""
    caps = max(math.ceil(short_side * _CAPS_PER_SHORT_SIDE), 1)
    letters = text_mask(text, caps, weight=700)
    while letters.shape[1] + letters.shape[0] > width * _WIDEST_PART and caps > 1:
        caps -= 1
        letters = text_mask(text, caps, weight=700)
    return letters
