"""How the system treats this process: what OpenCV reads of its environment, freed memory, its command line."""

import ctypes
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

_M_TRIM_THRESHOLD: Final = -1  # <malloc.h> of the GNU C library
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_KEPT_BYTES: Final = 64 << 20
_LARGEST_BLOCK: Final = 32 << 20
"""The largest value that the GNU C library allows."""
_ARENAS: Final = 1
"""A stage that moves to another thread shall find the memory that its last one kept."""


def prepare_opencv() -> None:
    """Keep cameras from blocking; to be called before anything imports cv2. What the user has set stays.

    A stalled V4L2 camera would block a read for 10 s; Media Foundation's hardware transforms make opening a camera take
    a minute (opencv#17687).
    """
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")
    os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")


def wipe(secrets: Sequence[str], process: int | None = None) -> None:
    """Write stars over words in the command line of a process, this one by default; where that cannot be, nothing is.

    Only Linux lets a program do so. A process has read its command line by the time this is called.
    """
    if sys.platform != "linux" or not secrets:
        return
    folder = Path("/proc") / (str(process) if process is not None else "self")
    try:
        begins, ends = map(int, (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[45:47])
        with (folder / "mem").open("r+b", buffering=0) as memory:
            memory.seek(begins)
            line = memory.read(ends - begins)
            for secret in filter(None, map(os.fsencode, secrets)):
                line = line.replace(secret, b"*" * len(secret))
            memory.seek(begins)
            memory.write(line)
    except (OSError, ValueError):  # it is gone, or nobody may do so here
        return


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


def give_back_freed_memory() -> None:
    """Return what is free to the system, wherever it lies: after a change of camera or network whole parts are gone.

    What was made since lies between them, so that the heap's end, where memory goes back by itself, stays where it is.
    It costs some milliseconds and the pages that the next frames take again.
    """
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
