"""Files that appear under their name whole or not at all, and never over what is read."""

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Final

from mien_models.errors import SinkError, UsageError
from mien_models.system.causes import advice_for, cause_of
from mien_models.system.printable import shown

PART: Final = ".part"
_USUAL_LONGEST: Final = 255
_LONGEST_SUFFIX: Final = 16
_TOKEN_BYTES: Final = 4
_TOKEN: Final = re.compile(rf"\.[0-9a-f]{{{2 * _TOKEN_BYTES}}}\Z")


@contextlib.contextmanager
def replacing(path: Path, *, part: Path | None = None, is_private: bool = False) -> Generator[Path]:
    """Give a name to write to; at the end the file takes the name `path`, after any exception it is removed.

    Every file that appears whole or not at all comes to be here.

    Args:
        path: of the file.
        part: where it grows, in the same folder; None for a name of this call alone, so that two that write the same
            file never share what is unfinished.
        is_private: only its owner may read it, from its first byte on.

    Raises:
        OSError: it cannot be written.
    """
    growing = own_part(path) if part is None else part
    new = os.O_EXCL if part is None else os.O_TRUNC
    try:
        os.close(os.open(growing, os.O_WRONLY | os.O_CREAT | new, 0o600 if is_private else 0o666))
        yield growing
        growing.replace(path)
    finally:
        # Whatever happened, Ctrl-C included: either it is renamed by now or it must not stay.
        with contextlib.suppress(OSError):
            growing.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_or_nothing(path: Path) -> Generator[Path]:
    """As `replacing`, for what a user named: whatever is wrong with that is one sentence.

    Raises:
        SinkError: the folder is missing, full or read-only, or the name is none; with the reason.
    """
    try:
        check_place(path)
        with replacing(path) as part:
            yield part
    except OSError as error:
        raise cannot_write(path, error) from error


def write_text_whole(path: Path, text: str) -> None:
    """Write a text in UTF-8; a pipe or device such as /dev/stdout is written to, a file appears whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_private(path: Path, content: bytes, *, is_alone: bool = False) -> None:
    """Write what only its owner may read, and have it on the disk. Rights 0600, the folder 0700.

    Args:
        path: of the file.
        content: all of it.
        is_alone: nobody else writes it now: what a crash leaves is written over the next time.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    growing = part_of(path) if is_alone else None
    with replacing(path, part=growing, is_private=True) as part, part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def check_writable(path: Path) -> None:
    """Check that `path` can come to be, before any work is done for it; nothing is left behind.

    Raises:
        SinkError: it cannot, with the reason.
    """
    trial = own_part(path)
    try:
        check_place(path)
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        raise cannot_write(path, error) from error


def check_place(path: Path) -> None:
    """Check what can be seen of `path` without writing anything.

    Raises:
        SinkError: nothing can be written there, with the reason.
        OSError: its name can be none.
    """
    if path.is_dir():
        raise SinkError(f"Cannot write {shown(path)}: it is a folder. Give the name of a file in it.")
    if not path.parent.is_dir():
        raise SinkError(f"Cannot write {shown(path)}: the folder {shown(path.parent)} does not exist. Create it first.")
    if path.exists() and not os.access(path, os.W_OK):
        raise SinkError(f"Cannot write {shown(path)}: the file is there and read-only. Choose another name.")


def cannot_write(path: Path, error: OSError) -> SinkError:
    """Say in one sentence why `path` cannot be written."""
    return SinkError(f"Cannot write {shown(path)}: {cause_of(error)}. {advice_for(error)}")


def beside(path: Path, ending: str) -> Path:
    """Name a file in the folder of `path` after it: its name and `ending`, shortened where that would be too long.

    The same for the same path; what is shortened keeps the suffix of `path`.
    """
    excess = len(os.fsencode(path.name + ending)) - _longest_name(path.parent)
    if excess <= 0:
        return path.with_name(path.name + ending)
    suffix = path.suffix if len(path.suffix) <= _LONGEST_SUFFIX else ""
    digest = f"~{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]}"
    stem = os.fsencode(path.name.removesuffix(suffix))
    # Not in the middle of a character.
    kept = stem[: -excess - len(digest)].decode("utf-8", "ignore")
    return path.with_name(f"{kept}{digest}{suffix}{ending}")


def part_of(path: Path) -> Path:
    """Name the file that grows beside `path` until it is whole; the same folder, so that the rename cannot copy.

    Always the same for the same path: what a crash leaves is found again.
    """
    return beside(path, PART)


def own_part(path: Path) -> Path:
    """Name an unfinished file of `path` as nobody else does."""
    return beside(path, f".{secrets.token_hex(_TOKEN_BYTES)}{PART}")


def is_own_part(part: Path) -> bool:
    """Whether `own_part` gave this name, to whomever."""
    return part.suffix == PART and _TOKEN.search(part.stem) is not None


def whole_name(part: Path) -> str:
    """Give the name that an unfinished file will have."""
    return _TOKEN.sub("", part.name.removesuffix(PART))


def _longest_name(folder: Path) -> int:
    """Give the most bytes that a name may have there."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):
        return _USUAL_LONGEST


def check_spares(inputs: Iterable[Path], output: Path) -> None:
    """Check that writing `output` destroys nothing that is read; links and other spellings of a path are seen through.

    Raises:
        UsageError: it would overwrite one of `inputs`.
    """
    for path in inputs:
        if _is_same(path, output):
            raise UsageError(f"The output would overwrite the input {shown(path)}. Give another name.")


def check_differ(outputs: Sequence[Path]) -> None:
    """Check that no two outputs are the same file.

    Raises:
        UsageError: two are.
    """
    for number, path in enumerate(outputs):
        if path.absolute() in {other.absolute() for other in outputs[:number]}:
            raise UsageError(f"Two outputs would write {shown(path)}. Give one of them another name.")


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:  # one of them is not there, or its name can be none
        return False
