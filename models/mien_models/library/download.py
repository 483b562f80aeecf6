"""Downloads that go on where they broke off, and whose hash is checked before anything else is done with them."""

import contextlib
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlunsplit

from mien_models.errors import ModelError, UsageError
from mien_models.library.web import open_address, split_address
from mien_models.onnx_format.wire import LARGEST_BYTES
from mien_models.system.causes import advice_for, cause_of, is_full
from mien_models.system.json_text import json_object, whole_number

_LOG = logging.getLogger(__name__)
_CHUNK_BYTES: Final = 2**18
_MOST_BREAKS: Final = 5
"""So often in a row a connection may break without a byte having come."""
_MOST_STARTS: Final = 2
"""As much before the first byte: a wrong name of a server does not mend itself."""
_NO_SUCH_PART: Final = 416
_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Answers of a server that is busy or under repair."""
_SPARE_BYTES: Final = 64 * 2**20


Progress = Callable[[int, int | None], None]
"""Is told how many bytes are there, and of how many, None where the server does not say."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that came whole."""

    path: Path
    file: str
    """What the address calls it."""
    sha256: str
    origin: str
    """The address without names, passwords and tokens."""


def fetch(address: str, folder: Path, *, sha256: str | None, progress: Progress, pause_s: float = 1.0) -> Downloaded:
    """Download a file, or what is missing of it.

    Args:
        address: http:// or https://.
        folder: where it grows and stays; one that broke off is found there again.
        sha256: what its hash has to be; None where nobody knows.
        progress: is called as it grows.
        pause_s: how long to wait after a connection broke, longer each time.

    Raises:
        UsageError: the address or the hash is none.
        ModelError: it does not come, is too large, or is not the file of that hash.
    """
    wanted = checked_hash(sha256)
    part = _Part(folder / hashlib.sha256(os.fsencode(address)).hexdigest()[:24], address)
    breaks = 0
    while not part.is_whole:
        before = part.size_bytes
        try:
            _go_on(part, progress)
        except (URLError, HTTPException, OSError) as error:
            if isinstance(error, OSError) and is_full(error):
                raise ModelError(
                    f"{part.origin} cannot be kept in {str(folder)!r}: {cause_of(error)}. {advice_for(error)}"
                ) from error
            breaks = 1 if part.size_bytes > before else breaks + 1
            _give_up_or_wait(error, part, breaks, pause_s)
    found = part.hash()
    if wanted is not None and found != wanted:
        part.discard()
        raise ModelError(
            f"{part.origin} is not the file that was wanted: sha256 should be {wanted}, is {found}. "
            "It was thrown away; look for the right address or hash."
        )
    return Downloaded(part.path, part.file, found, part.origin)


class _Part:
    """A file that grows, and beside it what the server called this version of it."""

    def __init__(self, stem: Path, address: str) -> None:
        parts = split_address(address)
        self.address = address
        self.origin = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        self.file = unquote(parts.path.rpartition("/")[2]) or "model"
        self.path = stem.with_suffix(".part")
        self._notes = stem.with_suffix(".json")
        self.version, self.total_bytes = "", -1
        with contextlib.suppress(OSError, ValueError, KeyError):
            notes = json_object(self._notes.read_text("utf-8"))
            self.version, self.total_bytes = str(notes["version"]), whole_number(notes["total_bytes"])

    @property
    def size_bytes(self) -> int:
        """How much of it is there."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def is_whole(self) -> bool:
        """Whether all of it is there."""
        return self.total_bytes > 0 and self.size_bytes == self.total_bytes

    def note(self, version: str, total_bytes: int) -> None:
        """Keep what the server says of it, for when it breaks off."""
        self.version, self.total_bytes = version, total_bytes
        self._notes.write_text(json.dumps({"version": version, "total_bytes": total_bytes}), "utf-8")

    def hash(self) -> str:
        """Give its sha256."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def discard(self) -> None:
        """Begin anew."""
        for path in (self.path, self._notes):
            path.unlink(missing_ok=True)
        self.version, self.total_bytes = "", -1


def discard(downloaded: Downloaded) -> None:
    """Throw a download away once it is kept elsewhere."""
    downloaded.path.unlink(missing_ok=True)
    downloaded.path.with_suffix(".json").unlink(missing_ok=True)


def _go_on(part: _Part, progress: Progress) -> None:
    """Ask for what is missing and append it; return when the server has nothing more to send."""
    if part.size_bytes and not part.version:
        # Nobody could say whether what is there belongs to what would come.
        part.discard()
    headers: dict[str, str] = {}
    if part.size_bytes:
        headers = {"Range": f"bytes={part.size_bytes}-", "If-Range": part.version}
    with open_address(part.address, headers) as answer:
        start = _start_of(answer, part)
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length is not None and length.isdecimal() else -1
        _check_size(total, start, part)
        part.note(_version(answer.headers), total)
        with part.path.open("r+b" if start else "wb") as file:
            file.truncate(start)
            file.seek(start)
            done = start
            for chunk in _chunks(answer):
                done += len(chunk)
                _check_size(done, done, part)
                file.write(chunk)
                progress(done, total if total > 0 else None)
        if total < 0:
            part.note(part.version, done)
        elif done < total:
            raise HTTPException(f"it ended after {done} of {total} bytes")
    if part.size_bytes == 0:
        raise ModelError(f"{part.origin} is empty, where a network was expected. Look for the right address.")


def _start_of(answer: HTTPResponse, part: _Part) -> int:
    """Say at which byte the answer begins: where we are, or 0 where the server begins anew."""
    if answer.status != 206:
        return 0
    span = answer.headers.get("Content-Range", "")
    if not span.startswith(f"bytes {part.size_bytes}-"):
        part.discard()
        raise HTTPException(f"the server sent another part than was asked for ({span})")
    return part.size_bytes


def _version(headers: Message) -> str:
    """Give what tells this version of the file from others; a weak tag does not (RFC 9110, 13.1.5)."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")


def _chunks(answer: HTTPResponse) -> Generator[bytes]:
    while chunk := answer.read(_CHUNK_BYTES):
        yield chunk


def _check_size(size_bytes: int, have_bytes: int, part: _Part) -> None:
    if size_bytes > LARGEST_BYTES:
        part.discard()
        raise ModelError(
            f"{part.origin} has more than {LARGEST_BYTES / 2**30:.0f} GB; no ONNX network has. Give another address."
        )
    free = shutil.disk_usage(part.path.parent).free
    if size_bytes - have_bytes > free - _SPARE_BYTES:
        raise ModelError(
            f"{part.origin} needs {(size_bytes - have_bytes) / 2**20:.0f} MB, but {str(part.path.parent)!r} has "
            f"{free / 2**20:.0f} MB left. Free some space."
        )


def _give_up_or_wait(error: Exception, part: _Part, breaks: int, pause_s: float) -> None:
    if isinstance(error, HTTPError):
        if error.code == _NO_SUCH_PART:
            # It is shorter now than what we have: another file by the same name.
            part.discard()
        elif error.code not in _PASSING:
            said = str(error.reason).splitlines()[0]
            raise ModelError(
                f"{part.origin} does not come: the server says {error.code} {said}. Look for the right address."
            ) from error
    if breaks >= (_MOST_BREAKS if part.size_bytes else _MOST_STARTS):
        reason = error.reason if isinstance(error, URLError) else error
        if not part.size_bytes:
            raise ModelError(
                f"{part.origin} does not come ({reason}). Look after the address and the network."
            ) from error
        raise ModelError(
            f"{part.origin} does not come whole ({reason}); {part.size_bytes / 2**20:.1f} MB are kept. "
            "Run the same command again to go on."
        ) from error
    _LOG.debug("%s broke off (%s)", part.origin, error)
    time.sleep(pause_s * breaks)


def checked_hash(sha256: str | None) -> str | None:
    """Bring a hash that a user gave to the form of `hexdigest`.

    Raises:
        UsageError: it is none.
    """
    if sha256 is None:
        return None
    plain = sha256.lower().removeprefix("sha256:").strip()
    if len(plain) != 64 or set(plain) - set("0123456789abcdef"):
        raise UsageError(f"--sha256 takes 64 hexadecimal digits, but got {sha256!r}.")
    return plain
