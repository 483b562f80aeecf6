"""Where a recording grows until it is whole, and the files that no output may destroy."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mien_models.errors import UsageError
from mien_models.system.atomic_write import PART, beside
from mien_models.system.printable import shown


def part_of(path: Path) -> Path:
    """Name the file that grows beside `path` until it is whole; the same folder, so that the rename cannot copy.

    Always the same for the same path: what a crash leaves is found again.
    """
    return beside(path, PART)


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
