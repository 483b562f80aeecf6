"""What is secret in a command line, which every program of this computer can read, is taken out of it."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path


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
