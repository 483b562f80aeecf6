"""One run at a time writes a file: an unfinished file is locked for as long as its run lives."""

import contextlib
import os
import random
import sys
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mien_models.errors import SinkError
from mien_models.system.atomic_write import PART, beside, cannot_write, check_place, is_own_part, own_part, whole_name
from mien_models.system.printable import shown

SIGNED: Final = ".signed"
"""How the signed copy of an unfinished file ends until it takes that one's place."""
_TRIES: Final = 4
_LONGEST_PAUSE_S: Final = 0.2
_LEFT_FOR_S: Final = 600.0


class InUseError(SinkError):
    """Another run, or another output of this one, is writing that file or folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"Another run is writing {shown(path)}. Wait until it is done, or give this one another name.")


@contextlib.contextmanager
def only_writer(path: Path) -> Generator[Path]:
    """As `whole_or_nothing`, for what takes a while: another run that writes the same file meanwhile is refused.

    What killed runs left unfinished of `path` is removed.

    Raises:
        InUseError: another run is writing it.
        SinkError: as `whole_or_nothing`.
    """
    try:
        check_place(path)
        with _part_without_rival(path) as part:
            yield part
            part.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error


@contextlib.contextmanager
def held(path: Path, named: Path) -> Generator[None]:
    """Lock a file or folder that is there against other runs for as long as this lasts, or the process lives.

    Where a disk knows no locks, nothing is locked.

    Args:
        path: what is locked.
        named: what a person calls it, for the message.

    Raises:
        InUseError: somebody has it.
        OSError: it cannot be opened.
    """
    if sys.platform == "win32":
        # Whoever writes a file there has it open, which `is_in_use` sees; a lock of ours would forbid its renaming.
        if is_in_use(path):
            raise InUseError(named)
        yield
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        if not _is_locked(descriptor, is_shared=False) or not _is_still(path, descriptor):
            raise InUseError(named)
        yield
    finally:
        os.close(descriptor)


def is_in_use(path: Path) -> bool:
    """Whether a run that lives has this file."""
    try:
        if sys.platform == "win32":
            # What a program has open there cannot be renamed, not even to its own name.
            path.rename(path)
            return False
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        return sys.platform == "win32"
    except OSError:
        return False
    try:
        return not _is_locked(descriptor, is_shared=True)
    finally:
        os.close(descriptor)


def check_nobody_writes(path: Path) -> None:
    """Refuse when another run is writing `path`, and remove what dead ones left of it.

    Raises:
        InUseError: one is.
    """
    if _has_rival(path, None):
        raise InUseError(path)


@contextlib.contextmanager
def _part_without_rival(path: Path) -> Generator[Path]:
    for _ in range(_TRIES):
        part = own_part(path)
        with contextlib.ExitStack() as stack:
            part.touch(exist_ok=False)
            stack.callback(_removed, part)
            if _is_alone(path, part, stack):
                yield part
                return
        # Two that begin at the same moment see each other: the one that waits less gets it.
        time.sleep(random.uniform(0, _LONGEST_PAUSE_S))  # noqa: S311 - no secret
    raise InUseError(path)


def _is_alone(path: Path, part: Path, stack: contextlib.ExitStack) -> bool:
    """Hold `part` and look for others."""
    try:
        stack.enter_context(held(part, path))
    except InUseError:  # somebody looks at it at this moment, and has it locked for that
        return False
    return not _has_rival(path, part)


def _has_rival(path: Path, own: Path | None) -> bool:
    """Look at every unfinished file of `path` but our own."""
    found = False
    for part in _parts_of(path):
        if part == own:
            continue
        if is_in_use(part):
            found = True
        elif is_own_part(part) and _is_old(part):
            _removed(part)
    return found


def _parts_of(path: Path) -> Iterator[Path]:
    names = {whole_name(own_part(path)), whole_name(beside(path, PART))}
    with contextlib.suppress(OSError):
        for found in path.parent.iterdir():
            if found.suffix == PART and whole_name(found) in names:
                yield found


def _is_old(part: Path) -> bool:
    # One that is being signed changes its file, and with it the lock, for a moment.
    try:
        return datetime.now(UTC).timestamp() - part.stat().st_mtime > _LEFT_FOR_S
    except OSError:
        return False


def _removed(part: Path) -> None:
    for left in (part, beside(part, SIGNED)):
        with contextlib.suppress(OSError):
            left.unlink(missing_ok=True)


def _is_locked(descriptor: int, *, is_shared: bool) -> bool:
    """Lock a descriptor; False where somebody else has."""
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a disk of another computer that knows no locks
        return True
    return True


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the file that was opened has its name yet: its run may have finished before it was locked."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
