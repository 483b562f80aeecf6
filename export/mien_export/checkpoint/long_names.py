"""Refuses pickles that name something absurdly long, before PyTorch looks for words in its own message about it."""

import pickletools
import zipfile
from collections import deque
from pathlib import Path
from typing import IO, Final

LONGEST: Final = 500
"""Characters of the longest name of a class or function; PyTorch's search through a refusal takes their square."""
_PICKLES: Final = 5
"""A file of PyTorch before 1.6 begins with so many: a number, its version, the machine, the weights, their keys."""
_NAMES: Final = frozenset({"GLOBAL", "INST"})
_STACKED: Final = "STACK_GLOBAL"


def names_too_much(path: Path, *, is_zip: bool) -> bool:
    """Whether a checkpoint calls something by a name longer than `LONGEST`; False for what is damaged otherwise."""
    try:
        if not is_zip:
            with path.open("rb") as file:
                return any(_is_long(file) for _ in range(_PICKLES))
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith("data.pkl")]
            for name in names:
                with archive.open(name) as file:
                    if _is_long(file):
                        return True
    except ValueError as error:  # a name that is no word, or has no end, which PyTorch takes the file's end for
        return isinstance(error, UnicodeDecodeError) or "no newline" in str(error)
    except Exception:  # noqa: BLE001 - who reads it next says what is wrong
        return False
    return False


def _is_long(file: IO[bytes]) -> bool:
    """Look through one pickle without doing what it says."""
    texts: deque[int] = deque(maxlen=2)
    for operation, argument, _ in pickletools.genops(file):
        if isinstance(argument, str):
            if operation.name in _NAMES and len(argument) > LONGEST:
                return True
            texts.append(len(argument))
        if operation.name == _STACKED and any(length > LONGEST for length in texts):
            return True
    return False
