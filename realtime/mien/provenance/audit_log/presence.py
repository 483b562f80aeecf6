"""Which sessions are still running: each holds a lock that the operating system takes back when its program is gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

_NAME: Final = "running-{session}-{sequence}.lock"


@dataclass(frozen=True, slots=True)
class Gone:
    """A session whose program has ended without a word."""

    session: str
    sequence: int
    """Of the line with which it began."""
    file: Path


class Presence:
    """Says that a session runs, until `end` or until its program is gone, however it goes. Has state: the lock."""

    def __init__(self, folder: Path, session: str, sequence: int) -> None:
        """Take the lock; where there are none, for instance on some network drives, nothing is said."""
        self._file = folder / _NAME.format(session=session, sequence=sequence)
        self._lock = _lock(self._file)
        try:
            self._lock.acquire(timeout=0)
        except (OSError, NotImplementedError):  # a Timeout is an OSError
            self._file.unlink(missing_ok=True)

    def end(self) -> None:
        """Let go; any thread may."""
        self._lock.release()
        self._file.unlink(missing_ok=True)


def gone(folder: Path) -> Iterator[Gone]:
    """Find sessions whose programs are gone; call it where nobody else does at the same time."""
    for file in sorted(folder.glob(_NAME.format(session="*", sequence="*"))):
        try:
            _, session, sequence = file.stem.split("-")
            number = int(sequence)
            with _lock(file).acquire(timeout=0):
                found = Gone(session, number, file)
        except Timeout:
            continue
        except (OSError, NotImplementedError, ValueError):
            continue
        yield found


def _lock(file: Path) -> FileLock:
    return FileLock(file, mode=0o600, thread_local=False)
