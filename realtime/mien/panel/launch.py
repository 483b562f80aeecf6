"""Starts a session as a process of its own, which goes on when the panel ends."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from mien.config.settings import Settings
from mien.config.settings_file import as_toml, load_settings
from mien_models.errors import MienError
from mien_models.system import folders
from mien_models.system.atomic_write import write_private
from mien_models.system.causes import cause_of

_LOG_TAIL: Final = 4000
_NOTHING_SEEN: Final = "null"


class Launcher:
    """Starts sessions. Has state: the process that was started last."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = folders.state_folder() / "panel"

    @property
    def log(self) -> Path:
        """What the session says goes there."""
        return self._folder / "session.log"

    def start(self, wishes: Mapping[str, object]) -> None:
        """Begin a session with these settings over the user's own `mien.toml`; it announces itself when it is there.

        Raises:
            MienError: the settings are not possible, or the process cannot be started.
        """
        settings = with_defaults(load_settings(wishes))
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = self._folder / "session.toml"
            write_private(file, as_toml(settings).encode())
            descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as log:
                self._process = _begun([sys.executable, "-m", "mien", "run", "--config", str(file)], log)
        except OSError as error:
            raise MienError(
                f"The session cannot be started: {cause_of(error)}. Look at the disk and try again."
            ) from error

    @property
    def is_starting(self) -> bool:
        """Whether the process that was started still runs."""
        return self._process is not None and self._process.poll() is None

    def failure(self) -> str | None:
        """Give the last sentence of a session that ended by itself and not well; None where it runs or ended well."""
        if self._process is None or self._process.poll() in {None, 0}:
            return None
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:]
        except OSError:
            return None
        said = [line.removeprefix("mien: ") for line in text.splitlines() if line.startswith("mien: ")]
        return said[-1] if said else "The session ended and said nothing."


def with_defaults(settings: Settings) -> Settings:
    """Name an output where none was: the virtual camera where there is one; the panel shows the picture anyway."""
    if settings.sinks:
        return settings
    return settings.model_copy(update={"sinks": ("virtualcam",) if has_virtual_camera() else (_NOTHING_SEEN,)})


def has_virtual_camera() -> bool:
    """Whether there is one to write to."""
    from mien.sinks.registry import SINKS

    usual = SINKS.load("virtualcam").usual
    return usual is not None and usual.address() is not None


def _begun(command: list[str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Begin a process that signals for the panel do not reach: Ctrl-C, a terminal that is closed."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
    return subprocess.Popen(  # noqa: S603 - our own program
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        creationflags=flags,
        start_new_session=sys.platform != "win32",
    )
