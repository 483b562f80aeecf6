"""Where programs find the sessions that run on this computer: one small file each, for their owner's eyes only."""

import contextlib
import json
import os
import secrets
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from mien.pipeline.metrics import process_began_s
from mien_models.errors import MienError
from mien_models.system import folders

_KEY_BYTES: Final = 32
_LONGEST_UNIX_PATH: Final = 100
"""Addresses of local sockets end at 104 bytes on macOS, 108 on Linux."""


@dataclass(frozen=True, slots=True)
class Running:
    """A session that can be talked to."""

    name: str
    """What `--session` takes: the process's number."""
    address: str
    """Of its socket, or its named pipe on Windows."""
    key_hex: str
    """Whoever knows it may steer the session."""
    started: float
    """When the process began, as `process_began_s`, so that another one with its number is not taken for it."""

    @property
    def pid(self) -> int:
        """The number of its process."""
        return int(self.name)

    @property
    def is_alive(self) -> bool:
        """Whether that process still runs."""
        try:
            return abs(process_began_s(self.pid) - self.started) < 1.0
        except (OSError, ValueError):
            return False


def sessions_folder() -> Path:
    """Give the folder, which only its owner may enter.

    Raises:
        MienError: it cannot be made.
    """
    folder = folders.state_folder() / "control"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if sys.platform != "win32":
            folder.chmod(0o700)
    except OSError as error:
        raise MienError(f"The folder {str(folder)!r} cannot be made: {error.strerror}.") from error
    return folder


def announce() -> Running:
    """Write down that this process can be talked to, and where; `withdraw` takes it back.

    Raises:
        MienError: the folder is full or read-only.
    """
    folder, name = sessions_folder(), str(os.getpid())
    running = Running(name, _address(folder, name), secrets.token_hex(_KEY_BYTES), process_began_s(os.getpid()))
    path = folder / f"{name}.json"
    try:
        path.unlink(missing_ok=True)
        # Opened with its rights: there is no moment at which somebody else could read the key.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(running), file)
    except OSError as error:
        raise MienError(f"{str(path)!r} cannot be written: {error.strerror}.") from error
    return running


def withdraw(running: Running) -> None:
    """Take back that this process can be talked to."""
    folder = sessions_folder()
    (folder / f"{running.name}.json").unlink(missing_ok=True)
    if sys.platform != "win32":
        address = Path(running.address)
        address.unlink(missing_ok=True)
        if address.parent != folder:
            with contextlib.suppress(OSError):
                address.parent.rmdir()


def running_sessions() -> tuple[Running, ...]:
    """Find the sessions that run, the oldest first; what dead ones left behind is taken away."""
    found: list[Running] = []
    for path in sorted(sessions_folder().glob("*.json")):
        try:
            running = Running(**json.loads(path.read_text(encoding="utf-8")))
            is_alive = running.is_alive
        except (OSError, ValueError, TypeError):
            continue
        if is_alive:
            found.append(running)
        else:
            withdraw(running)
    return tuple(sorted(found, key=lambda one: one.started))


def find_session(name: str | None = None) -> Running:
    """Give the session of that name, or the only one.

    Raises:
        MienError: none runs, none has that name, or several run and none was named.
    """
    found = running_sessions()
    if not found:
        raise MienError("No session of Mien runs on this computer for you; start one with 'mien run'.")
    names = ", ".join(one.name for one in found)
    if name is None:
        if len(found) > 1:
            raise MienError(f"{len(found)} sessions run: {names}. Say which with --session NUMBER.")
        return found[0]  # pyright: ignore[reportGeneralTypeIssues]
    for one in found:
        if one.name == name:
            return one
    raise MienError(f"No session is called {name!r}; there is: {names}.")


def _address(folder: Path, name: str) -> str:
    if sys.platform == "win32":
        return rf"\\.\pipe\mien-{name}-{secrets.token_hex(8)}"
    path = folder / f"{name}.socket"
    if len(os.fsencode(path)) <= _LONGEST_UNIX_PATH:
        return str(path)
    import tempfile

    # A folder that only its owner may enter, with a name that fits into an address.
    return str(Path(tempfile.mkdtemp(prefix="mien-")) / "socket")
