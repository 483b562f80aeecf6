"""Wheels out of a folder, whole or in parts, into folders of packages; with the standard library alone.

Three folders, because both ONNX Runtimes carry the same files: what everything needs, what CUDA's provider needs, what
the plug-in for TensorRT-RTX needs. What is damaged or missing in one costs the others nothing.
"""

import hashlib
import re
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SUMS: Final = "SHA256SUMS"
EVERY: Final = ("base", "cuda", "rtx", "engines")
"""The ways that packages are for; each has a folder of its own."""
_PART: Final = re.compile(r"(?P<name>.+\.whl)\.(?P<number>\d{3})")
_BLOCK: Final = 1 << 20
_ROUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "cuda": ("onnxruntime_gpu-",),
    "rtx": ("onnxruntime-", "onnxruntime_ep_nv_tensorrt_rtx"),
    "engines": ("tensorrt_rtx",),
}
"""How the names of wheels begin that go into a folder of their own; all others go into 'base'."""


@dataclass(frozen=True, slots=True)
class Site:
    """A folder of packages."""

    folder: Path
    fault: str = ""
    """Why it is not complete; '' when it is."""


def install(source: Path, into: Path, wanted: Sequence[str] = EVERY) -> dict[str, Site]:
    """Install the wheels of a folder and of those in it; none asks for an index.

    Args:
        source: where they are, whole or in parts.
        into: gets a folder for each route.
        wanted: the routes that are needed.

    Returns:
        A folder of packages for each route that there are wheels for, by its name.
    """
    into.mkdir(parents=True, exist_ok=True)
    sums = _sums(source)
    by_route: defaultdict[str, list[tuple[str, list[Path]]]] = defaultdict(list)
    for name, parts in sorted(_found(source).items()):
        by_route[_route(name)].append((name, parts))
    return {route: _installed(by_route[route], sums, into / route) for route in wanted if route in by_route}


def _found(source: Path) -> dict[str, list[Path]]:
    """Give each wheel's files, in order."""
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for path in sorted(source.rglob("*.whl*")):
        part = _PART.fullmatch(path.name)
        if part is not None:
            found[part["name"]].append(path)
        elif path.suffix == ".whl":
            found[path.name] = [path]
    return {name: sorted(parts, key=lambda one: one.name) for name, parts in found.items()}


def _sums(source: Path) -> dict[str, str]:
    """Read the SHA-256 of each wheel: lines as sha256sum writes them, in any of the folders."""
    lines = [line for path in source.rglob(SUMS) for line in path.read_text("utf-8").splitlines()]
    pairs = [line.split(maxsplit=1) for line in lines if line.strip()]
    return {name.lstrip("*"): digest for digest, name in pairs}


def _route(name: str) -> str:
    return next((route for route, starts in _ROUTES.items() if name.startswith(starts)), "base")


def _installed(wheels: Iterable[tuple[str, list[Path]]], sums: Mapping[str, str], folder: Path) -> Site:
    done = folder / "installed.txt"
    wanted = list(wheels)
    names = "\n".join(name for name, _ in wanted)
    if done.is_file() and done.read_text("utf-8") == names:
        return Site(folder)
    joined = folder.with_name(f"{folder.name}-wheels")
    joined.mkdir(parents=True, exist_ok=True)
    whole: list[Path] = []
    for name, parts in wanted:
        path = parts[0] if parts[0].name == name else _joined(joined / name, parts)
        found = _digest(path)
        if sums.get(name, found) != found:
            return Site(folder, f"{name} is not whole: {len(parts)} parts are here, and their SHA-256 is {found[:12]}")
        whole.append(path)
    fault = _put(whole, folder)
    if not fault:
        done.write_text(names, "utf-8")
    return Site(folder, fault)


def _joined(path: Path, parts: Iterable[Path]) -> Path:
    with path.open("wb") as file:
        for part in parts:
            with part.open("rb") as opened:
                while block := opened.read(_BLOCK):
                    file.write(block)
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put(wheels: list[Path], folder: Path) -> str:
    """Install with pip; a Python without it gets the wheels unpacked, which is the same for wheels like these."""
    words = ["install", "--quiet", "--no-index", "--no-deps", "--no-compile", "--no-cache-dir", "--upgrade", "--target"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, str(folder), *map(str, wheels)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    if "No module named pip" not in done.stderr:
        return (done.stderr.strip().splitlines() or ["pip failed"])[-1]
    for wheel in wheels:
        try:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)
        except (OSError, zipfile.BadZipFile) as error:
            return f"{wheel.name} cannot be unpacked: {error}"
    return ""
