"""How the system treats this process: what OpenCV reads of its environment, its command line."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path


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
