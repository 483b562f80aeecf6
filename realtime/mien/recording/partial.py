"""A file that appears under its name whole, or not at all."""

import contextlib
import errno
import os
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Final

from mien_models.errors import SinkError, UsageError

_SUFFIX: Final = ".part"


def part_of(path: Path) -> Path:
    """Name the file that grows beside `path` until it is whole; the same folder, so that the rename cannot copy."""
    return path.with_name(path.name + _SUFFIX)


def part_name(part: Path) -> str:
    """Give the name that a growing file will have."""
    return part.name.removesuffix(_SUFFIX)


def check_spares(inputs: Iterable[Path], output: Path) -> None:
    """Check that writing `output` destroys nothing that is read; links and other spellings of a path are seen through.

    Raises:
        UsageError: it would overwrite one of `inputs`.
    """
    for path in inputs:
        if output.exists() and path.exists() and output.samefile(path):
            raise UsageError(f"The output would overwrite the input {str(path)!r}. Give another name.")


@contextlib.contextmanager
def whole_or_nothing(path: Path) -> Generator[Path]:
    """Give a name to write to; at the end the file takes the name `path`, after any exception it is removed.

    Raises:
        SinkError: the folder is missing or nothing may be written there, with the reason.
    """
    part = part_of(path)
    check_writable(path)
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        # Whatever happened, Ctrl-C included: either it is renamed by now or it must not stay.
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> SinkError:
    """Say in one sentence why `path` cannot be written."""
    reason = error.strerror or str(error)
    advice = "Free some space or choose another place." if _is_full(error) else "Choose another place."
    return SinkError(f"Cannot write {str(path)!r}: {reason}. {advice}")


def _is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def check_writable(path: Path) -> None:
    """Check that `path` can come to be, before any work is done for it; leaves an empty part behind.

    Raises:
        SinkError: it cannot, with the reason.
    """
    if path.is_dir():
        raise SinkError(f"Cannot write {str(path)!r}: it is a folder. Give the name of a file in it.")
    if not path.parent.is_dir():
        raise SinkError(f"Cannot write {str(path)!r}: the folder {str(path.parent)!r} does not exist. Create it first.")
    if path.exists() and not os.access(path, os.W_OK):
        raise SinkError(f"Cannot write {str(path)!r}: the file is there and read-only. Choose another name.")
    try:
        part_of(path).touch()
    except OSError as error:
        raise cannot_write(path, error) from error
