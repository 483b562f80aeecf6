"""Puts every swapped face into its place in the frame, in 8 bits and inside its surroundings only."""

from dataclasses import replace
from enum import Enum, auto
from math import ceil, floor
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.media.frame_pool import FramePool
from mien.pipeline.frame import Frame
from mien.provenance.release import SwappedPicture
from mien_models.types import AffineF64, BgrU8, MaskU8, Retouch, SwappedFace

SPARE: Final = 4
"""Memory is taken a quarter larger than it has to be: a face that comes nearer grows a little with every frame."""


class Paster:
    """Puts swapped faces into pictures; keeps the memory that it works in, so that a frame asks for none."""

    def __init__(self) -> None:
        """Begin without any memory."""
        self._scratch: dict[_For, NDArray[np.uint8]] = {}

    def apply(self, image_bgr: BgrU8, *faces: SwappedFace) -> None:
        """Put swapped faces into a picture, in place: retouch and warp it for all, then blend their crops.

        In this order no face's surroundings are painted over another face.
        """
        for swapped in faces:
            prepare(image_bgr, swapped)
        for swapped in faces:
            self.paste(image_bgr, swapped)

    def paste(self, image_bgr: BgrU8, swapped: SwappedFace) -> None:
        """Blend one crop into a picture, in place.

        A crop that only needs moving by whole pixels is blended as it is; any other is warped into the rectangle that
        its corners span, which costs no more for a large frame than for a small one.
        """
        (a, b, x), (c, d, y) = swapped.frame_from_crop
        if (a, b, c, d) == (1, 0, 0, 1) and float(x).is_integer() and float(y).is_integer():
            weighted, alpha = self._weighted(swapped.crop_bgr, swapped.alpha), swapped.alpha
            left, top = int(x), int(y)
        elif not swapped.alpha.any():
            return  # all of it is hidden
        else:
            weighted, alpha, left, top = self._warped(swapped, image_bgr)
        first_row, first_column = max(0, -top), max(0, -left)
        last_row = min(alpha.shape[0], image_bgr.shape[0] - top)
        last_column = min(alpha.shape[1], image_bgr.shape[1] - left)
        if first_row >= last_row or first_column >= last_column:
            return
        rows, columns = slice(first_row, last_row), slice(first_column, last_column)
        region = image_bgr[top + first_row : top + last_row, left + first_column : left + last_column]
        self._blend(region, weighted[rows, columns], alpha[rows, columns])

    def _warped(self, swapped: SwappedFace, image_bgr: BgrU8) -> tuple[BgrU8, MaskU8, int, int]:
        """Bring the opaque part of a crop to the frame's grid: its weighted colours, its alpha, their left and top."""
        x, y, width, height = cv2.boundingRect(swapped.alpha)
        rows, columns = slice(y, y + height), slice(x, x + width)
        alpha = swapped.alpha[rows, columns]
        # Weighted before the warp, on the crop's few pixels: what fades out at the border brings no colour of its own.
        bgra = cv2.merge([self._weighted(swapped.crop_bgr[rows, columns], alpha), alpha])
        frame_from_part = swapped.frame_from_crop @ np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])
        left, right = _span(frame_from_part[0], width, height, image_bgr.shape[1])
        top, bottom = _span(frame_from_part[1], width, height, image_bgr.shape[0])
        frame_from_part[:, 2] -= (left, top)
        warped = self._enlarged(bgra, frame_from_part, max(1, right - left), max(1, bottom - top))
        bgr = self._memory(_For.COLOUR, warped.shape[0], warped.shape[1], 3)
        opacity = self._memory(_For.OPACITY, warped.shape[0], warped.shape[1], 1)
        cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR, dst=bgr)
        cv2.extractChannel(warped, 3, dst=opacity)
        return bgr, opacity, left, top

    def _enlarged(self, bgra: NDArray[Any], region_from_part: AffineF64, width: int, height: int) -> NDArray[np.uint8]:
        """Warp a part into its region; four channels in one go, which OpenCV does three times faster than three."""
        whole = self._memory(_For.WARPED, height, width, 4)
        cv2.warpAffine(bgra, region_from_part, (width, height), dst=whole, flags=cv2.INTER_LINEAR)
        return whole

    def _weighted(self, crop_bgr: BgrU8, alpha: MaskU8) -> BgrU8:
        weighted = self._memory(_For.WEIGHTED, alpha.shape[0], alpha.shape[1], 3)
        cv2.merge([alpha, alpha, alpha], dst=weighted)
        cv2.multiply(crop_bgr, weighted, dst=weighted, scale=1 / 255)
        return weighted

    def _blend(self, region_bgr: BgrU8, weighted_bgr: BgrU8, alpha: MaskU8) -> None:
        under = self._memory(_For.UNDER, alpha.shape[0], alpha.shape[1], 3)
        cv2.merge([alpha, alpha, alpha], dst=under)
        cv2.bitwise_not(under, dst=under)
        cv2.multiply(region_bgr, under, dst=under, scale=1 / 255)
        cv2.add(under, weighted_bgr, dst=region_bgr)

    def _memory(self, purpose: "_For", height: int, width: int, channels: int) -> NDArray[np.uint8]:
        """Give a picture to write into, part of one that is large enough and stays."""
        kept = self._scratch.get(purpose)
        if kept is None or kept.shape[0] < height or kept.shape[1] < width:
            had = (0, 0) if kept is None else kept.shape[:2]
            size = [max(old, new + new // SPARE) for old, new in zip(had, (height, width), strict=True)]
            kept = self._scratch[purpose] = np.empty((*size, channels) if channels > 1 else size, np.uint8)
        return kept[:height, :width]


class _For(Enum):
    """What a piece of memory is for."""

    WEIGHTED = auto()
    WARPED = auto()
    COLOUR = auto()
    OPACITY = auto()
    UNDER = auto()


def prepare(image_bgr: BgrU8, swapped: SwappedFace) -> None:
    """Retouch and warp a picture, in place, so that a swapped face can be laid over it."""
    for retouch in swapped.retouches:
        lay(image_bgr, retouch)
    warp = swapped.warp
    if warp is not None:
        rows, columns = slice(warp.top, warp.top + warp.height), slice(warp.left, warp.left + warp.width)
        image_bgr[rows, columns] = warp.warped(image_bgr)


def lay(part_bgr: BgrU8, retouch: Retouch, left: int = 0, top: int = 0) -> None:
    """Retouch, in place, a part of a picture that begins there."""
    rows, columns = retouch.where.shape
    x, y = retouch.left - left, retouch.top - top
    first_x, first_y = max(0, -x), max(0, -y)
    last_x, last_y = min(columns, part_bgr.shape[1] - x), min(rows, part_bgr.shape[0] - y)
    if first_x >= last_x or first_y >= last_y:
        return
    of_it = slice(first_y, last_y), slice(first_x, last_x)
    cv2.copyTo(retouch.bgr[of_it], retouch.where[of_it], part_bgr[y + first_y : y + last_y, x + first_x : x + last_x])


def underneath(image_bgr: BgrU8, swapped: SwappedFace, rows: slice, columns: slice) -> BgrU8:
    """Give a part of a picture as a swapped face is laid over it, retouched and warped; the caller's own."""
    if swapped.warp is None and not swapped.retouches:
        return image_bgr[rows, columns].copy()
    whole = image_bgr.copy()
    prepare(whole, swapped)
    return whole[rows, columns]


def placed_in(swapped: SwappedFace, left: int, top: int) -> SwappedFace:
    """Place a swapped face in a part that begins there, which is retouched and warped already."""
    moved = np.array([[0, 0, left], [0, 0, top]], np.float64)
    return replace(swapped, frame_from_crop=swapped.frame_from_crop - moved, warp=None, retouches=())


def _span(row: NDArray[np.float64], width: int, height: int, limit: int) -> tuple[int, int]:
    """First and last pixel, within 0..limit, that a part of that size reaches along one axis of the frame."""
    a, b, offset = (float(number) for number in row)
    reached = [a * x + b * y + offset for x in (-1, width) for y in (-1, height)]
    return min(max(floor(min(reached)), 0), limit), min(max(ceil(max(reached)) + 1, 0), limit)


class CompositeStage:
    """Blends crops over a copy of the frame; where alphas are 0 and nothing is retouched or warped, it stays as it is.

    Keeps the memory that it works in.
    """

    name = "composite"

    def __init__(self) -> None:
        """Begin without any memory."""
        self._pool = FramePool()
        self._paster = Paster()

    def __call__(self, frame: Frame) -> Frame:
        """Fill `composed`; a frame without a swapped face passes as it is."""
        if not frame.swapped:
            return frame
        composed = self._pool.copy(frame.image)
        self._paster.apply(composed, *frame.swapped)
        return replace(frame, composed=SwappedPicture(composed))
