"""Pictures that are written anew for every frame, without asking the system for memory every time."""

from collections import deque
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien_models.types import BgrU8, as_u8

_MOST: Final = 8
"""So many pictures are kept for the next; more are in flight only while a sink hangs."""


class FramePool:
    """Gives pictures; the memory of one comes back when the last array over it, or view of one, is gone.

    Has state: the memory that came back. One thread takes; any may hold and let go.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._shape: tuple[int, ...] = ()
        self._free: deque[NDArray[np.uint8]] = deque(maxlen=_MOST)

    def copy(self, image_bgr: BgrU8) -> BgrU8:
        """Give a picture of one's own with the same content."""
        picture = self.blank(image_bgr.shape)
        np.copyto(picture, image_bgr)
        return picture

    def blank(self, shape: tuple[int, ...]) -> BgrU8:
        """Give a picture of one's own to be written full; what it holds is old."""
        if shape != self._shape:
            # What is still in flight comes back to the old list, and goes with it.
            self._shape, self._free = shape, deque(maxlen=_MOST)
        try:
            memory = self._free.pop()
        except IndexError:
            memory = np.empty(shape, np.uint8)
        return as_u8(np.asarray(_Lease(memory, self._free)))


class _Lease:
    """One use of a picture's memory, which it gives back at its end.

    Arrays that are made of it have it for their base, and so have all views of them: NumPy's views name the object that
    the memory is from, not the array that they were taken of.
    """

    __slots__ = ("__array_interface__", "_free", "_memory")

    def __init__(self, memory: NDArray[np.uint8], free: deque[NDArray[np.uint8]]) -> None:
        self._memory, self._free = memory, free
        self.__array_interface__: dict[str, Any] = memory.__array_interface__

    def __del__(self) -> None:
        """Give the memory back; by whichever thread let the last array go."""
        self._free.append(self._memory)
