"""The pattern of the mark, and how it is put into pictures: small tables are added and subtracted, tile by tile."""

import hashlib
import threading
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.provenance.watermark.payload import CODED_BITS, Payload, encode
from mien_models.types import BgrU8, as_f32

KEY: Final = b"mien-livemark-1"
"""Public: whoever has it can find the mark, and could forge or remove it. It is no secret and no proof of origin."""
CHIPS: Final = 32
"""Chips along each side of the tile, which is repeated over the picture."""
PATTERNS: Final = 4
"""So many patterns take turns: what stands still in a picture cannot look like all of them."""
SLOT_NS: Final = 500_000_000
"""How long one pattern is shown."""
SYNC_CHIPS: Final = CHIPS * CHIPS // 2
"""The chips of lowest rank are the same in every mark and say where the tile lies; the others carry the payload."""
_CHIPS_PER_SHORT_SIDE: Final = 90
_SMALLEST_CHIP_PX: Final = 8
LUMA: Final = 0.6
CHROMA: Final = 1.0
"""Amplitudes (root mean square) of Y and Cb in levels of 255; together they leave a PSNR of 45 dB."""
_BLUR_PER_CHIP: Final = 0.3
_HIGHEST: Final = 1.3
"""Corners of chips are rounded, which codecs do anyway, and no pixel is moved by more than this over the amplitude."""
_BGR_OF_LUMA: Final = (1.0, 1.0, 1.0)
_BGR_OF_CB: Final = (1.772, -0.344136, 0.0)
"""What a step of Y and of Cb is in blue, green and red (ITU-R BT.601)."""
_MOST_SIZES: Final = 4
BINS_PER_SLOT: Final = 3
"""The detector tells so many moments of a pattern apart."""
CYCLE: Final = BINS_PER_SLOT * PATTERNS
"""After so many bins the patterns begin anew: pictures that lie a cycle apart show the same one."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """One of the patterns: which chip does what."""

    signs: NDArray[np.float32]
    """(1024,) -1 or 1 for every chip, row by row."""
    sync: NDArray[np.intp]
    """(512,) the chips that are always the same, by rank."""
    data: NDArray[np.intp]
    """(512,) the chips that carry the payload, by rank: the i-th carries coded bit `i % coded bits`."""


@cache
def patterns() -> tuple[Pattern, ...]:
    """Derive the four patterns from the key.

    For chip `c` (row * 32 + column) of pattern `k` the digest SHA-256(KEY, one byte k, two bytes c, big-endian) gives
    the rank (its first eight bytes, a big-endian number) and the sign (1 where its ninth byte is odd).
    """
    return tuple(_pattern(number) for number in range(PATTERNS))


def _pattern(number: int) -> Pattern:
    digests = [
        hashlib.sha256(KEY + number.to_bytes(1, "big") + chip.to_bytes(2, "big")).digest()
        for chip in range(CHIPS * CHIPS)
    ]
    order = np.argsort(np.array([int.from_bytes(digest[:8], "big") for digest in digests], np.uint64), kind="stable")
    signs = np.array([1.0 if digest[8] & 1 else -1.0 for digest in digests], np.float32)
    return Pattern(signs, order[:SYNC_CHIPS], order[SYNC_CHIPS:])


def pattern_at(at_ns: int) -> int:
    """Give the number of the pattern that is shown at a time of any clock that runs evenly."""
    return at_ns // SLOT_NS % PATTERNS


def chip_px(width: int, height: int) -> int:
    """Give the side of a chip in pixels: 8 up to 720 lines, then in step with the short side.

    So a picture that is made smaller for a page or a tile of a call keeps chips that can be seen.
    """
    return max(_SMALLEST_CHIP_PX, round(min(width, height) / _CHIPS_PER_SHORT_SIDE))


Steps = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""What is added and what is subtracted, (tile, tile, 3) each."""


class Embedder:
    """Marks pictures of any size with one payload. Has state: the tables of the chip sizes used last.

    The tables of a chip size take 6 * (32 * chip)^2 bytes for each pattern: 1.6 MB at 720p, 3.5 MB at 1080p. Any thread
    may call it.
    """

    def __init__(self, payload: Payload) -> None:
        """Take what the mark is to say; no table is made yet."""
        self.payload = payload
        self._coded = encode(payload.bits())
        self._tables: dict[tuple[int, int], Steps] = {}
        self._lock = threading.Lock()

    def prepare(self, width: int, height: int) -> None:
        """Make the tables for pictures of this size, so that the first of them does not wait."""
        for number in range(PATTERNS):
            self._steps(chip_px(width, height), number)

    def mark(self, image_bgr: BgrU8, at_ns: int, out_bgr: BgrU8) -> None:
        """Write `image_bgr` with the pattern of `at_ns` into `out_bgr`, which may be the same picture.

        Args:
            image_bgr: (h, w, 3).
            at_ns: a clock that runs evenly while pictures follow each other; which clock does not matter.
            out_bgr: (h, w, 3).
        """
        height, width = image_bgr.shape[:2]
        self.mark_part(image_bgr, out_bgr, (0, 0), chip_px(width, height), at_ns)

    def mark_part(self, part_bgr: BgrU8, out_bgr: BgrU8, corner_xy: tuple[int, int], chip: int, at_ns: int) -> None:
        """Mark a part of a picture whose left top corner is `corner_xy` and whose chips have `chip` pixels a side."""
        plus, minus = self._steps(chip, pattern_at(at_ns))
        tile = CHIPS * chip
        left, top = corner_xy
        height, width = part_bgr.shape[:2]
        for rows, table_rows in _runs(top, height, tile):
            for columns, table_columns in _runs(left, width, tile):
                target = out_bgr[rows, columns]
                cv2.add(part_bgr[rows, columns], plus[table_rows, table_columns], dst=target)
                cv2.subtract(target, minus[table_rows, table_columns], dst=target)

    def _steps(self, chip: int, number: int) -> Steps:
        with self._lock:
            found = self._tables.get((chip, number))
            if found is None:
                while len(self._tables) >= _MOST_SIZES * PATTERNS:
                    del self._tables[next(iter(self._tables))]
                found = self._tables[chip, number] = _steps(chip, number, self._coded)
            return found


def chip_signs(number: int, coded: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the sign, -1 or 1, of every chip of pattern `number` for a payload's coded bits: (32, 32)."""
    pattern = patterns()[number]
    signs = pattern.signs.copy()
    bit_of = coded[np.arange(len(pattern.data)) % CODED_BITS]
    signs[pattern.data] *= np.where(bit_of, np.float32(1), np.float32(-1))
    return signs.reshape(CHIPS, CHIPS)


def _steps(chip: int, number: int, coded: NDArray[np.uint8]) -> Steps:
    wave = _wave(chip_signs(number, coded), chip)
    bgr = np.stack([wave * (LUMA * y + CHROMA * cb) for y, cb in zip(_BGR_OF_LUMA, _BGR_OF_CB, strict=True)], axis=2)
    steps = np.floor(bgr + _thresholds(wave.shape[0]))
    return np.maximum(steps, 0).astype(np.uint8), np.maximum(-steps, 0).astype(np.uint8)


def _wave(signs: NDArray[np.float32], chip: int) -> NDArray[np.float32]:
    """Draw the chips, smoothed over the tile's own edges, with a root mean square of 1."""
    edge = 2 * chip
    drawn = np.pad(np.kron(signs, np.ones((chip, chip), np.float32)), edge, mode="wrap")
    smooth = as_f32(cv2.GaussianBlur(drawn, (0, 0), chip * _BLUR_PER_CHIP))[edge:-edge, edge:-edge]
    level: NDArray[np.float32] = np.clip(smooth / np.sqrt(np.mean(smooth**2)), -_HIGHEST, _HIGHEST)
    return level


def _thresholds(side: int) -> NDArray[np.float32]:
    """Give thresholds of 0..1 for rounding, different for each colour: (side, side, 3).

    Their noise is fine-grained (a white one less its own blur), which the eye sees least and codecs drop first.
    """
    white = np.random.default_rng(1).random((side, side, 3), np.float32)
    fine = white - as_f32(cv2.GaussianBlur(white, (0, 0), 1.0))
    ranks = np.argsort(np.argsort(fine.reshape(-1, 3), axis=0), axis=0)
    even: NDArray[np.float32] = ((ranks + 0.5) / len(ranks)).astype(np.float32).reshape(side, side, 3)
    return even


def _runs(start: int, length: int, period: int) -> list[tuple[slice, slice]]:
    """Cut `length` pixels from `start` on where the table begins anew: each piece in the part and in the table."""
    pieces: list[tuple[slice, slice]] = []
    done = 0
    while done < length:
        place = (start + done) % period
        step = min(period - place, length - done)
        pieces.append((slice(done, done + step), slice(place, place + step)))
        done += step
    return pieces
