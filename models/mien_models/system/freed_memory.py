"""What becomes of memory that is free again: kept for the next frame, or given back to the system."""

import ctypes
import gc
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_M_TRIM_THRESHOLD: Final = -1  # <malloc.h> of the GNU C library
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_MADV_PAGEOUT: Final = 21  # <linux/mman.h>, since Linux 5.4
_LARGE_FILE_BYTES: Final = 64 << 20
_KEPT_BYTES: Final = 64 << 20
_LARGEST_BLOCK: Final = 32 << 20
"""The largest value that the GNU C library allows."""
_ARENAS: Final = 1
"""A stage that moves to another thread shall find the memory that its last one kept."""


def keep_freed_memory() -> None:
    """Let the process keep up to 64 MB of freed memory instead of giving it back after every picture.

    A picture's arrays of a megabyte or two are made and freed for every frame. By default the GNU C library returns
    such blocks to the system, which has to clear and map them again page by page: measured, blending a region of
    624 x 624 pixels takes 3.1 ms that way and 0.4 ms with the memory kept. Other systems' allocators keep it anyway.
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):  # another C library than GNU's has none of this
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)


def keep_what_is_loaded() -> None:
    """Take all that there is now, which is modules for the most part, out of what is looked through for garbage.

    Looking through 300,000 objects that stay anyway keeps every thread waiting for 55 ms.
    """
    gc.freeze()


def give_back_freed_memory() -> None:
    """Return what is free to the system, wherever it lies: after a change of network whole parts are gone.

    Parts that refer to one another in circles, as stages and their networks do, are garbage only once it is looked for;
    by itself that happens after minutes. What was made since lies between them, so that the heap's end, where memory
    goes back by itself, stays where it is. It costs some milliseconds and the pages that the next frames take again.
    """
    gc.collect()
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def page_out_files() -> None:
    """Let the pages of large mapped files, such as checkpoints, go: they are read again when they are needed.

    The system would take them where memory is short; until then they count as this process'.
    """
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError, ValueError):
        madvise = ctypes.CDLL(None).madvise
        madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
            place, rights, _, _, _, *name = line.split(maxsplit=5)
            begin, end = (int(one, 16) for one in place.split("-"))
            if name and name[0].startswith("/") and "x" not in rights and end - begin >= _LARGE_FILE_BYTES:
                madvise(begin, end - begin, _MADV_PAGEOUT)
