"""What it means when the system refuses something, in the words of people."""

import errno
from pathlib import Path
from typing import Final

from mien_models.system.printable import in_one_line, shown

_SPACE: Final = "Free some space or choose another place."
_PLACE: Final = "Choose another place."
_CAUSES: Final = {
    "ENOSPC": ("the disk is full", _SPACE),
    "EDQUOT": ("your share of the disk is used up", _SPACE),
    "EFBIG": ("it grew larger than the disk or the system allows", _PLACE),
    "ENAMETOOLONG": ("the name is too long", "Give a shorter one."),
    "EACCES": ("this user may not do that", "Change the rights or choose another place."),
    "EPERM": ("this user may not do that", "Change the rights or choose another place."),
    "EROFS": ("the disk is read-only", _PLACE),
    "ENOENT": ("there is no such file or folder", "Check the path."),
    "EEXIST": ("something of that name is there already", "Give another name."),
    "ENOTDIR": ("a file stands where a folder should be", "Check the path."),
    "EISDIR": ("it is a folder", "Give the name of a file in it."),
    "ELOOP": ("its links lead in a circle", "Check the path."),
    "EIO": ("the disk or device does not answer as it should", "Look after it, or choose another place."),
    "EMFILE": ("too many files are open", "End other programs, or allow more (ulimit -n)."),
    "ENFILE": ("too many files are open", "End other programs."),
    "EPIPE": ("whoever should read it has gone", "Start the reader again."),
    "EBADF": ("it is closed", "Open it, or send it to a file."),
}
"""By the system's own name, because not every system knows every one."""
_BY_NUMBER: Final = {number: _CAUSES[name] for name in _CAUSES if (number := getattr(errno, name, None)) is not None}
_FULL: Final = frozenset(getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name))
_OURS: Final = frozenset({errno.EBADF, errno.EPIPE})
"""What a mistake in the code causes as easily."""


def cause_of(error: Exception) -> str:
    """Say why a file could not be read or written: the second half of a sentence, without its full stop.

    What the system refused is said in our words, followed by its own.
    """
    if isinstance(error, UnicodeDecodeError):
        return f"it is no text in {error.encoding.upper()}"
    if not isinstance(error, OSError):
        return in_one_line(str(error)).rstrip(".") or type(error).__name__
    known = _BY_NUMBER.get(error.errno or 0)
    said = in_one_line(error.strerror or str(error) or type(error).__name__)
    return f"{known[0]}: {said}" if known is not None else said


def advice_for(error: OSError) -> str:
    """Say what to do about it: a sentence."""
    known = _BY_NUMBER.get(error.errno or 0)
    return known[1] if known is not None else _PLACE


def is_full(error: OSError) -> bool:
    """Whether there was no room for what should be written."""
    return error.errno in _FULL


def outside_cause(error: OSError) -> str | None:
    """Give a whole sentence for what the system refused; None where nothing but our own code can have caused it."""
    if error.errno not in _BY_NUMBER or error.errno in _OURS:
        return None
    name = error.filename
    subject = shown(Path(name)) if isinstance(name, str) else "The system"
    return f"{subject}: {cause_of(error)}. {advice_for(error)}"
