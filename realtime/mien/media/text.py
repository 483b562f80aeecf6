"""Letters as masks, drawn with the sans-serif font that OpenCV carries."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.system.printable import in_one_line
from mien_models.types import MaskU8

_CAPS_PER_SIZE: Final = 0.73
"""Height of a capital in parts of the font size, measured on OpenCV 5's 'sans'."""


def text_mask(text: str, cap_height_px: int, *, weight: int = 400) -> MaskU8:
    """Draw one line of text whose capitals are at least `cap_height_px` high, cut to what is inked.

    What no font can hold is replaced.

    Returns:
        (h, w) how much of each pixel the letters cover, 0..255.
    """
    text = in_one_line(text)  # OpenCV crashes on halves of characters
    face = cv2.FontFace("sans")
    size = round(cap_height_px / _CAPS_PER_SIZE) + 1
    canvas: NDArray[np.uint8] = np.zeros((size * 2, size * (len(text) + 2), 3), np.uint8)
    cv2.putText(canvas, text, (size, size + size // 2), (255, 255, 255), face, size, weight)
    ink = canvas[:, :, 0]
    left, top, width, height = cv2.boundingRect(ink)
    return np.ascontiguousarray(ink[top : top + height, left : left + width])
