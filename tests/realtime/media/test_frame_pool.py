"""Memory of frames is used again, and never while somebody looks."""

import threading

import cv2
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


def test_a_view_of_a_view_of_a_flat_view_holds_it_too() -> None:
    pool = FramePool()
    view = pool.copy(frame(1)).reshape(-1)[10:90].view(np.int8)[::2]
    held = [pool.copy(frame(level)) for level in (8, 9)]
    assert (view == 1).all()
    del view
    assert held[0].ctypes.data != pool.copy(frame(7)).ctypes.data


def test_what_another_thread_lets_go_is_used_again() -> None:
    pool = FramePool()
    held = [pool.copy(frame(level)) for level in range(3)]
    places = {picture.ctypes.data for picture in held}
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
    again = [pool.copy(frame(5)) for _ in range(3)]
    assert {picture.ctypes.data for picture in again} == places


def test_while_a_picture_is_held_many_may_pass_and_no_more_memory_is_kept_than_was_in_flight() -> None:
    pool = FramePool()
    hanging = [pool.copy(frame(level)) for level in range(40)]
    del hanging[1:]
    places = {pool.copy(frame(3)).ctypes.data for _ in range(50)}
    assert len(places) == 1
    assert hanging[0].ctypes.data not in places


def test_a_picture_can_be_written_like_any_other() -> None:
    picture = FramePool().blank((6, 4, 3))
    cv2.rectangle(picture, (0, 0), (3, 5), (1, 2, 3), -1)
    assert picture.flags.c_contiguous
    assert picture.reshape(-1, 3).tolist() == [[1, 2, 3]] * 24


def test_another_size_begins_anew() -> None:
    pool = FramePool()
    small = pool.copy(frame(1))
    assert pool.copy(frame(2, 16)).shape == (16, 16, 3)
    assert (small == 1).all()
