"""Pictures that are written anew for every frame, without asking the system for memory every time."""

import sys
from typing import Final

import numpy as np

from mien_models.types import BgrU8

_MOST: Final = 8
"""More are in flight only where a sink hangs; then memory is asked for as usual."""
_OURS_ALONE: Final = 2
"""References to a picture that only the pool holds: its list, and the argument of `getrefcount`."""


class FramePool:
    """Gives copies of frames; the memory of one is used again when nobody holds it or a view of it any more.

    Has state: its pictures. One thread takes; any may hold and let go. Relies on CPython's reference counts, which a
    view adds to through its base.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._pictures: list[BgrU8] = []

    def copy(self, image_bgr: BgrU8) -> BgrU8:
        """Give a picture of one's own with the same content."""
        picture = self._free_one(image_bgr.shape)
        np.copyto(picture, image_bgr)
        return picture

    def blank(self, shape: tuple[int, ...]) -> BgrU8:
        """Give a picture of one's own to be written full; what it holds is old."""
        return self._free_one(shape)

    def _free_one(self, shape: tuple[int, ...]) -> BgrU8:
        if self._pictures and self._pictures[0].shape != shape:
            self._pictures.clear()
        for index in range(len(self._pictures)):
            if sys.getrefcount(self._pictures[index]) == _OURS_ALONE:
                return self._pictures[index]
        picture = np.empty(shape, np.uint8)
        if len(self._pictures) < _MOST:
            self._pictures.append(picture)
        return picture
