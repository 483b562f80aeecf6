"""The number of a frame, drawn into the picture itself: whatever a line does, a picture says which frame it is of.

Below the picture stands a strip of black and white squares, large enough to come through any video codec. What is
known of a frame is told beside it; only a picture whose strip says the same number belongs to it.
"""

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.types import BgrU8

_SQUARE_PX: Final = 8
_NUMBER_BITS: Final = 32
_BITS: Final = 48
"""32 of the number and 16 that prove it."""
_LEAST_WIDTH_PX: Final = 64
_BLACK: Final = 16
_WHITE: Final = 235
_MIDDLE: Final = 128


def strip_rows(width: int) -> int:
    """Give the height of the strip below a picture of that width, in pixels."""
    return -(-_BITS // (width // _SQUARE_PX)) * _SQUARE_PX


def stamped(image_bgr: BgrU8, number: int) -> BgrU8:
    """Give a new picture, (height + strip, width, 3), that carries a number of 32 bits.

    Raises:
        ValueError: it is narrower than 64 pixels.
    """
    height, width = image_bgr.shape[:2]
    if width < _LEAST_WIDTH_PX:
        raise ValueError(f"expected a picture at least {_LEAST_WIDTH_PX} pixels wide, got {width}")
    rows = strip_rows(width)
    made = np.full((height + rows, width, 3), _BLACK, np.uint8)
    made[:height] = image_bgr
    columns = width // _SQUARE_PX
    squares = np.zeros((rows // _SQUARE_PX) * columns, np.uint8)
    squares[:_BITS] = _bits(number)
    lines = np.where(squares.reshape(-1, columns) > 0, _WHITE, _BLACK).astype(np.uint8)
    drawn = np.kron(lines, np.ones((_SQUARE_PX, _SQUARE_PX), np.uint8))
    made[height:, : drawn.shape[1]] = drawn[:, :, None]
    return made


def unstamped(picture_bgr: BgrU8) -> tuple[BgrU8, int] | None:
    """Give the picture without its strip, and its number; None where the strip does not prove a number."""
    height, width = picture_bgr.shape[:2]
    if width < _LEAST_WIDTH_PX or height <= strip_rows(width):
        return None
    rows, columns = strip_rows(width), width // _SQUARE_PX
    strip = picture_bgr[height - rows :, : columns * _SQUARE_PX, 1]
    squares = strip.reshape(rows // _SQUARE_PX, _SQUARE_PX, columns, _SQUARE_PX)
    # The middle of each square: its edges are what a codec smears.
    lit = squares[:, 2:-2, :, 2:-2].mean(axis=(1, 3)) > _MIDDLE
    bits = lit.reshape(-1)[:_BITS].astype(np.uint8)
    number = int.from_bytes(np.packbits(bits[:_NUMBER_BITS]).tobytes(), "big")
    return (picture_bgr[: height - rows], number) if np.array_equal(bits, _bits(number)) else None


def _bits(number: int) -> NDArray[np.uint8]:
    content = (number & 0xFFFFFFFF).to_bytes(4, "big")
    proof = (zlib.crc32(content) & 0xFFFF).to_bytes(2, "big")
    return np.unpackbits(np.frombuffer(content + proof, np.uint8))
