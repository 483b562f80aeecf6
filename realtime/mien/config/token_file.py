"""Secrets in an address: made once, and kept in a file that only its user can read, so that the address stays."""

import os
import secrets
from pathlib import Path
from typing import Final

from mien_models.errors import MienError
from mien_models.system.causes import cause_of

_BYTES: Final = 24


def kept_token(path: Path) -> str:
    """Give the token that is kept in a file, which is made where it is not there or can be read by others.

    Raises:
        MienError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = _kept(path)
        if kept is not None:
            return kept
        token = secrets.token_urlsafe(_BYTES)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token)
    except FileExistsError:  # another program was quicker
        return kept_token(path)
    except OSError as error:
        raise MienError(f"The token of an address cannot be kept in {str(path)!r}: {cause_of(error)}.") from error
    return token


def _kept(path: Path) -> str | None:
    if not path.is_file() or (os.name == "posix" and path.stat().st_mode & 0o077):
        return None
    text = path.read_text(encoding="ascii", errors="replace").strip()
    return text if len(text) >= _BYTES and text.isascii() else None
