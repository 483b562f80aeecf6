"""The machine itself: Python, system, room on the disk, a display, and that no installed package hides another."""

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

from mien.diagnostics.doctor.checks import Check, Verdict
from mien_models.system import folders
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
    folder = folders.data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"written by the doctor")
    except OSError as error:
        advice = f"Make it writable or set {folders.DATA_VARIABLE}; until then every start asks for consent again."
        return Check("data folder", Verdict.BROKEN, f"{folder}: {cause_of(error)}", advice)
    return Check("data folder", Verdict.OK, f"{folder} can be written")


def installed() -> dict[str, str]:
    """Give the version of every installed distribution by its normalised name."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found[re.sub(r"[-_.]+", "-", name).lower()] = distribution.version
    return found


def check_only_one(module: str, candidates: Iterable[str], wanted: str) -> Check:
    """Prove that exactly one distribution carries `module`.

    Several distributions that carry one module overwrite each other's files; which one is left depends on the order
    of installing.

    Args:
        module: the name that is imported.
        candidates: normalised names of every installed distribution that carries it, with versions.
        wanted: what to install where there is none.
    """
    found = list(candidates)
    if len(found) == 1:
        return Check(module, Verdict.OK, found[0])
    if not found:
        return Check(module, Verdict.BROKEN, "not installed", f"Install it: uv pip install {wanted}")
    advice = (
        f"They overwrite each other's files: uv pip uninstall {' '.join(name.split()[0] for name in found)}, "
        f"then uv pip install {wanted}"
    )
    return Check(module, Verdict.BROKEN, f"{len(found)} at once: {', '.join(found)}", advice)


def check_onnxruntime(packages: dict[str, str]) -> Check:
    """Prove that exactly one ONNX Runtime is installed; plug-in providers (`onnxruntime-ep-...`) do not count."""
    carriers = [
        f"{name} {version}"
        for name, version in sorted(packages.items())
        if (name == "onnxruntime" or name.startswith(("onnxruntime-", "ort-nightly")))
        and not name.startswith(("onnxruntime-ep-", "onnxruntime-extensions", "onnxruntime-genai", "onnxruntime-tools"))
    ]
    return check_only_one("onnxruntime", carriers, "onnxruntime")


def check_opencv(packages: dict[str, str]) -> Check:
    """Prove that exactly one OpenCV is installed."""
    carriers = [f"{name} {version}" for name, version in sorted(packages.items()) if name.startswith("opencv-")]
    return check_only_one("opencv", carriers, "opencv-python-headless")


def check_versions(packages: dict[str, str], names: Sequence[str]) -> Check:
    """Name the versions of what shapes the picture."""
    missing = [name for name in names if name not in packages]
    found = ", ".join(f"{name} {packages[name]}" for name in names if name in packages)
    if missing:
        return Check("packages", Verdict.BROKEN, f"missing: {', '.join(missing)}", "Install them all: uv sync")
    return Check("packages", Verdict.OK, found)
