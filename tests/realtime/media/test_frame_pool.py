"""Memory of frames is used again, and never while somebody looks."""

import numpy as np

from mien.media.frame_pool import FramePool
from mien_models.types import BgrU8


def frame(level: int, side: int = 8) -> BgrU8:
    return np.full((side, side, 3), level, np.uint8)


def test_a_copy_is_the_frame_and_not_the_frame() -> None:
    image = frame(7)
    copy = FramePool().copy(image)
    assert (copy == 7).all()
    assert copy is not image


def test_memory_that_nobody_holds_is_used_again() -> None:
    pool = FramePool()
    places = {pool.copy(frame(level)).ctypes.data for level in range(20)}
    assert len(places) == 1


def test_a_picture_that_is_held_is_never_written_over() -> None:
    pool = FramePool()
    held = [pool.copy(frame(level)) for level in range(20)]
    assert [int(picture[0, 0, 0]) for picture in held] == list(range(20))


def test_a_view_holds_the_whole_picture() -> None:
    pool = FramePool()
    view = pool.copy(frame(1))[2:4]
    pool.copy(frame(9))
    assert (view == 1).all()


def test_another_size_begins_anew() -> None:
    pool = FramePool()
    small = pool.copy(frame(1))
    assert pool.copy(frame(2, 16)).shape == (16, 16, 3)
    assert (small == 1).all()
