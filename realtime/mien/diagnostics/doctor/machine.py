"""The machine itself: Python, system, room on the disk, a display."""

import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from mien.config import paths
from mien.diagnostics.doctor.checks import Check, Verdict
from mien_models.system.causes import cause_of

_LITTLE_ROOM_BYTES: Final = 1_000_000_000
"""A minute of recorded 720p takes about 30 MB."""
_NO_ROOM_BYTES: Final = 50_000_000


def check_system() -> Check:
    """Name Python, system and processor."""
    found = f"Python {platform.python_version()} on {platform.platform(terse=True)}, {os.cpu_count() or 1} cores"
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        return Check("system", Verdict.BROKEN, found, "Mien needs Python 3.11, 3.12 or 3.13: uv run --python 3.12 mien")
    return Check("system", Verdict.OK, found)


def check_display() -> Check:
    """Say whether a window can be shown."""
    if sys.platform in {"win32", "darwin"}:
        return Check("display", Verdict.OK, "the desktop")
    for variable in ("WAYLAND_DISPLAY", "DISPLAY"):
        if value := os.environ.get(variable):
            return Check("display", Verdict.OK, f"{variable}={value}")
    return Check(
        "display", Verdict.ADVICE, "none", "--sink window needs a desktop session; --sink file:out.mp4 works without."
    )


def check_room(folder: Path) -> Check:
    """Say how much room recordings have in `folder`."""
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free here"
    if free < _NO_ROOM_BYTES:
        return Check("disk", Verdict.BROKEN, found, "Free some room: reports and recordings cannot be written.")
    if free < _LITTLE_ROOM_BYTES:
        return Check("disk", Verdict.ADVICE, found, "A long recording fills it: free some room first.")
    return Check("disk", Verdict.OK, found)


def check_memory_of_consents() -> Check:
    """Try to write where consents are remembered."""
    folder = paths.data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"written by the doctor")
    except OSError as error:
        advice = f"Make it writable or set {paths.DATA_VARIABLE}; until then every start asks for consent again."
        return Check("data folder", Verdict.BROKEN, f"{folder}: {cause_of(error)}", advice)
    return Check("data folder", Verdict.OK, f"{folder} can be written")
