"""Brings pictures to another size: fitted into a fixed one, aspect kept and the rest black; narrower; around a face."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mien_models.types import BgrU8, as_u8


def letterbox(image_bgr: BgrU8, width: int, height: int, *, widening: float = 1.0) -> BgrU8:
    """Fit `image_bgr` into `width` x `height` pixels, which are even.

    The picture is placed at even coordinates with an even size, so that halved chroma (4:2:0) has no smeared edge.

    Args:
        image_bgr: the picture.
        width: of the result, in pixels.
        height: of the result, in pixels.
        widening: by how much a pixel of `image_bgr` is wider, in parts of its height, than one of the result.

    Returns:
        `image_bgr` itself where it has that size already, else a new picture.
    """
    if image_bgr.shape[:2] == (height, width) and widening == 1.0:
        return image_bgr
    left, top, inner_width, inner_height = place(image_bgr.shape[1] * widening, image_bgr.shape[0], width, height)
    shrinks = inner_width < image_bgr.shape[1] or inner_height < image_bgr.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    if (inner_width, inner_height) == (width, height):
        return cv2.resize(image_bgr, (width, height), interpolation=how).astype(np.uint8, copy=False)
    boxed = np.zeros((height, width, 3), np.uint8)
    inner = boxed[top : top + inner_height, left : left + inner_width]
    cv2.resize(image_bgr, (inner_width, inner_height), dst=inner, interpolation=how)
    return boxed


def even(length_px: float) -> int:
    """Round to the nearest even number of pixels, at least 2."""
    return max(2, 2 * round(length_px / 2))


def place(width: float, height: float, outer_width: int, outer_height: int) -> tuple[int, int, int, int]:
    """Give left, top, width and height of a picture centred inside an outer one, all even and at least 2."""
    scale = min(outer_width / width, outer_height / height)
    inner_width = min(outer_width, even(width * scale))
    inner_height = min(outer_height, even(height * scale))
    return (outer_width - inner_width) // 4 * 2, (outer_height - inner_height) // 4 * 2, inner_width, inner_height


def scaled(image_bgr: BgrU8, width: int) -> BgrU8:
    """Give a picture at most `width` pixels wide; one that is narrower stays as it is, and is not copied."""
    rows, columns = image_bgr.shape[:2]
    if width >= columns:
        return image_bgr
    size = max(width, 1), max(round(rows * width / columns), 1)
    return as_u8(cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA))


def square_around(image_bgr: BgrU8, box_xyxy: NDArray[np.float32], side_px: int, *, room: float) -> BgrU8:
    """Cut a box's surroundings out as a square of `side_px` pixels, `room` times as wide as the box's longer side."""
    left, top, right, bottom = (float(value) for value in box_xyxy)
    scale = side_px / (room * max(right - left, bottom - top, 1.0))
    shift = side_px / 2 - scale * np.array([left + right, top + bottom]) / 2
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return as_u8(cv2.warpAffine(image_bgr, matrix, (side_px, side_px), flags=flags, borderMode=cv2.BORDER_REPLICATE))
