"""A picture as it is sent: as large as the line has bits for, with the number of its frame drawn into it.

Whatever a line does, a picture says which frame it is of: below it stands a strip of black and white squares, large
enough to come through any video codec. What is known of a frame is told beside it; only a picture whose strip says the
same number belongs to it.
"""

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.remote.protocol import LARGEST_SIDE_PX
from mien_models.types import BgrU8

_BITS_PER_PIXEL: Final = 0.03
"""A frame coded with fewer shows blocks; a smaller one looks better."""
_SHARES: Final = (1.0, 0.75, 0.5, 0.375)
_ROOM: Final = 1.4
"""A larger size is only gone back to where there are so many times the bits it needs: sizes do not flicker."""
_PATIENCE: Final = 30
"""Frames for which another size must have fitted better: a new size costs a whole picture."""
_LEAST_PX: Final = 160
_SQUARE_PX: Final = 8
_NUMBER_BITS: Final = 32
_BITS: Final = 48
"""32 of the number and 16 that prove it."""
_LEAST_WIDTH_PX: Final = 64
_BLACK: Final = 16
_WHITE: Final = 235
_MIDDLE: Final = 128


class PictureSize:
    """Has state: the share of the frame's size that is sent, and how long another would have fitted better."""

    def __init__(self) -> None:
        self._step = 0
        self._wish, self._wished = 0, 0
        self.sent: tuple[int, int] | None = None
        """Width and height of late."""

    def fitting(self, width: int, height: int, fps: float, bits_per_s: int | None) -> tuple[int, int]:
        """Give width and height, both even, for a frame's size and the bits a second that the line takes."""
        cap = min(LARGEST_SIDE_PX / max(width, height), 1.0)
        if bits_per_s is not None:
            self._consider(width * height * cap * cap * fps * _BITS_PER_PIXEL, bits_per_s, round(width * cap))
        share = cap * _SHARES[self._step]
        self.sent = (width, height) if share == 1.0 else (_even(width * share), _even(height * share))
        return self.sent

    def _consider(self, needs: float, bits_per_s: int, width: int) -> None:
        wish = next(
            (
                step
                for step, share in enumerate(_SHARES)
                if needs * share * share * (_ROOM if step < self._step else 1.0) <= bits_per_s
            ),
            len(_SHARES) - 1,
        )
        while wish > 0 and width * _SHARES[wish] < _LEAST_PX:
            wish -= 1
        self._wished = self._wished + 1 if wish == self._wish and wish != self._step else 0
        self._wish = wish
        if self._wished >= _PATIENCE:
            self._step, self._wished = wish, 0


def _even(length: float) -> int:
    return max(int(length) // 2 * 2, 2)


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
