"""The arrays that pass between parts, each with its shape, type and range."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

BgrU8: TypeAlias = NDArray[np.uint8]
"""A picture: (height, width, 3), 0..255, colour order blue, green, red."""

MaskU8: TypeAlias = NDArray[np.uint8]
"""A mask: (height, width), 0 = outside, 255 = inside."""

PointsF32: TypeAlias = NDArray[np.float32]
"""Points in pixels of the picture they were found in: (n, 2) as x, y, or (n, 3) as x, y, z.

The centre of the top left pixel is (0, 0), as in OpenCV's warps. z is in the same unit, smaller towards the camera.
"""

AffineF64: TypeAlias = NDArray[np.float64]
"""A 2x3 matrix that takes column vectors (x, y, 1) of one picture to (x, y) of another."""


def as_u8(array: np.ndarray[Any, Any]) -> NDArray[np.uint8]:
    """State that an array is 8 bit where a library leaves its type open; copies only if it is not."""
    typed: NDArray[np.uint8] = array.astype(np.uint8, copy=False)
    return typed


def as_f32(array: np.ndarray[Any, Any]) -> NDArray[np.float32]:
    """State that an array is float32 where a library leaves its type open; copies only if it is not."""
    typed: NDArray[np.float32] = array.astype(np.float32, copy=False)
    return typed
