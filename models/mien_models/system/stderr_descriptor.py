"""Who may point the descriptor of stderr elsewhere: one thread at a time.

Libraries in C write to the descriptor, and the only way to keep them quiet is to turn it away for a moment. Two threads
that did so in turns would each give back what the other had put there, and leave the program mute.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

_STDERR: Final = 2
_IS_TURNED_AWAY: Final = threading.Lock()
"""The descriptor belongs to the whole process, so its lock does too."""


@contextmanager
def turned_by_a_library() -> Generator[None]:
    """Let a library turn the descriptor away, and nobody else meanwhile."""
    with _IS_TURNED_AWAY:
        yield


@contextmanager
def without_lines(is_dropped: Callable[[bytes], bool]) -> Generator[None]:
    """Keep some lines from the terminal, and let everything else that is said meanwhile through, at the end."""
    with _IS_TURNED_AWAY:
        yield from _turned_away(is_dropped)


def _turned_away(is_dropped: Callable[[bytes], bool]) -> Generator[None]:
    try:
        sys.stderr.flush()
        said = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
        kept = os.dup(_STDERR)
    except (OSError, ValueError, AttributeError):  # no terminal at all, for instance under pythonw, or a full disk
        yield
        return
    with said:
        os.dup2(said.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)
            said.seek(0)
            rest = b"".join(line for line in said if not is_dropped(line))
            if rest:
                os.write(_STDERR, rest)
