"""Brings a file of the web here, to be looked at and thrown away."""

import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote

from mien_models.errors import SourceError
from mien_models.library.web import is_address, open_address, split_address
from mien_models.system.causes import cause_of, is_full

MOST_BYTES: Final = 2 * 2**30
_CHUNK_BYTES: Final = 2**18


@contextmanager
def local_copy(target: str, progress: Callable[[int, int | None], None]) -> Generator[Path]:
    """Give the path of a file, or of a copy of what an address of the web gives, which is removed at the end.

    Raises:
        UsageError: an address that is not http or https.
        SourceError: it does not come, or is larger than 2 GiB.
    """
    if not is_address(target):
        yield Path(target)
        return
    with tempfile.TemporaryDirectory(prefix="mien-verify-") as folder:
        suffix = PurePosixPath(unquote(split_address(target).path)).suffix[:8]
        path = Path(folder) / f"file{suffix if suffix[1:].isalnum() else ''}"
        try:
            _fetch(target, path, progress)
        except (OSError, HTTPException) as error:
            if isinstance(error, OSError) and is_full(error):
                raise SourceError(f"There is no room here for a copy of it: {cause_of(error)}.") from error
            reason = str(getattr(error, "reason", error)) or type(error).__name__
            raise SourceError(f"{split_address(target).hostname} does not give that file: {reason}.") from error
        yield path


def _fetch(address: str, path: Path, progress: Callable[[int, int | None], None]) -> None:
    with open_address(address, {}) as answered, path.open("wb") as file:
        length = answered.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        done = 0
        while chunk := answered.read(_CHUNK_BYTES):
            done += len(chunk)
            if max(done, total or 0) > MOST_BYTES:
                raise SourceError(f"The file is larger than {MOST_BYTES // 2**30} GiB. Download a part of it yourself.")
            file.write(chunk)
            progress(done, total)
