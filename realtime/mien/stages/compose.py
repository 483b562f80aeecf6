"""Compose: puts every swapped face into its place in the frame, in 8 bits and inside its rectangle only."""

from dataclasses import replace

import cv2
import numpy as np

from mien.packet import FramePacket
from mien_models.arrays import BgrU8, MaskU8, as_u8
from mien_models.faces import SwappedFace


class ComposeStage:
    """Blends crops over a fresh copy of the frame; where every alpha is 0 the copy is bit-identical to the frame."""

    name = "compose"

    def __call__(self, packet: FramePacket) -> FramePacket:
        """Fill `composed`; a packet without a swapped face passes as it is."""
        if not packet.swapped:
            return packet
        composed = packet.image.copy()
        for swapped in packet.swapped:
            paste(composed, swapped)
        return replace(packet, composed=composed)


def paste(image_bgr: BgrU8, swapped: SwappedFace) -> None:
    """Blend one crop into a picture, in place.

    A crop that only needs moving by whole pixels is blended as it is; any other is warped into the rectangle that its
    corners span, which costs no more for a large frame than for a small one.
    """
    (a, b, x), (c, d, y) = swapped.frame_from_crop
    if (a, b, c, d) == (1, 0, 0, 1) and float(x).is_integer() and float(y).is_integer():
        crop, alpha, left, top = swapped.crop_bgr, swapped.alpha, int(x), int(y)
    else:
        crop, alpha, left, top = _warped(swapped, image_bgr)
    first_row, first_column = max(0, -top), max(0, -left)
    last_row = min(crop.shape[0], image_bgr.shape[0] - top)
    last_column = min(crop.shape[1], image_bgr.shape[1] - left)
    if first_row >= last_row or first_column >= last_column:
        return
    rows, columns = slice(first_row, last_row), slice(first_column, last_column)
    region = image_bgr[top + first_row : top + last_row, left + first_column : left + last_column]
    _blend(region, crop[rows, columns], alpha[rows, columns])


def _warped(swapped: SwappedFace, image_bgr: BgrU8) -> tuple[BgrU8, MaskU8, int, int]:
    """Bring crop and alpha to the frame's grid: both, and the left and top of where they go."""
    height, width = swapped.alpha.shape
    corners = np.array([[-0.5, -0.5], [width - 0.5, -0.5], [-0.5, height - 0.5], [width - 0.5, height - 0.5]])
    placed = corners @ swapped.frame_from_crop[:, :2].T + swapped.frame_from_crop[:, 2]
    limits = image_bgr.shape[1], image_bgr.shape[0]
    left, top = (int(np.clip(np.floor(placed[:, k].min()), 0, limits[k])) for k in range(2))
    right, bottom = (int(np.clip(np.ceil(placed[:, k].max()) + 1, 0, limits[k])) for k in range(2))
    size = max(1, right - left), max(1, bottom - top)
    into_region = swapped.frame_from_crop.copy()
    into_region[:, 2] -= (left, top)
    crop = cv2.warpAffine(swapped.crop_bgr, into_region, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(
        swapped.alpha, into_region, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0,)
    )
    return as_u8(crop), as_u8(alpha), left, top


def _blend(region_bgr: BgrU8, crop_bgr: BgrU8, alpha: MaskU8) -> None:
    over = cv2.merge([alpha, alpha, alpha])
    under = cv2.bitwise_not(over)
    kept = cv2.multiply(region_bgr, under, scale=1 / 255)
    cv2.add(kept, cv2.multiply(crop_bgr, over, scale=1 / 255), dst=region_bgr)
