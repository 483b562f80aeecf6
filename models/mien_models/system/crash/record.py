"""One file for each fault: what failed where, in which versions, asked for by what; fit to be sent to strangers."""

import contextlib
import hashlib
import logging
import os
import platform
import sys
import threading
import tomllib
import traceback
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Final

from mien_models.system.atomic_write import write_private
from mien_models.system.crash.redaction import redacted, shown_settings, shown_words
from mien_models.system.folders import config_folder, state_folder

_LOG: Final = logging.getLogger(__name__)
_MOST_FILES: Final = 20
_FRESH_S: Final = 60
"""A fault that comes back with every frame is written once a minute."""
_LONGEST: Final = 200
_LONGEST_LINE: Final = 2000
_MOST_FRAMES: Final = 2000
_LINES_AN_END: Final = 300
_PACKAGES: Final = (
    *("numpy", "opencv-python-headless", "ai-edge-litert", "onnxruntime", "onnxruntime-gpu", "av", "pillow"),
    *("c2pa-python", "pyvirtualcam", "pygame-ce", "torch", "onnx"),
)
_SETTINGS_FILE: Final = "mien.toml"


def crash_folder() -> Path:
    """Name the folder of the files; it may not exist yet."""
    return state_folder() / "crashes"


def brief(error: BaseException) -> str:
    """Say in a few words what an error is: its kind and its first line, safe on a terminal."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # noqa: BLE001 - an error that cannot even say what it is
        lines = ["it cannot be told"]
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return (shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}...").rstrip(".")


def sentence_of(error: BaseException, doing: str, words: Sequence[str] | None = None) -> str:
    """Write the details of a fault to a file, and say all that the user needs in one sentence; raises nothing.

    Args:
        error: what nobody foresaw.
        doing: how the sentence begins, such as 'The source failed'.
        words: of the command line; those of this process by default.
    """
    if isinstance(error, MemoryError):
        doing = f"{doing}: there is not enough memory, close other programs or ask for less"
    _LOG.debug("%s", doing, exc_info=error)
    what = f"{doing} ({brief(error)})"
    try:
        path = _written(error, sys.argv[1:] if words is None else words)
    except Exception as second:  # noqa: BLE001 - whatever fails now, the first fault is the one to be told
        why = second.strerror if isinstance(second, OSError) and second.strerror else brief(second)
        return f"{what}; the details could not be written ({why}), MIEN_DEBUG=1 shows them."
    return f"{what}. {pointing_to(path)}"


def pointing_to(path: Path) -> str:
    """Say where the details are."""
    return f"The details are in {str(path)!r}; please report them."


def keep(name: str, text: str) -> Path:
    """Write a file into the folder, whole or not at all, readable by its owner, and let the oldest go.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    path = crash_folder() / name
    write_private(path, text.encode("utf-8", "backslashreplace"))
    with contextlib.suppress(OSError):  # another process has just tidied up as well
        files = sorted(path.parent.glob("crash-*"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in files[_MOST_FILES:]:
            old.unlink(missing_ok=True)
    return path


def heading(words: Sequence[str]) -> Iterator[str]:
    """Say in lines what runs here and what was asked of it."""
    yield f"mien {_version('mien')}, Python {platform.python_version()}, {platform.platform()}"
    yield f"at {datetime.now(UTC).isoformat(timespec='seconds')}, in the thread {threading.current_thread().name}"
    yield f"command: {Path(sys.argv[0]).name if sys.argv else ''} {shown_words(words)}"
    environment = {name: value for name, value in os.environ.items() if name.startswith("MIEN_")}
    yield from (f"environment: {line}" for line in shown_settings(environment))
    yield from (f"settings file: {line}" for line in _file_settings())
    yield "packages: " + ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name)))


def _written(error: BaseException, words: Sequence[str]) -> Path:
    name = f"crash-{_signature(error)}.txt"
    path = crash_folder() / name
    if path.exists() and datetime.now(UTC).timestamp() - path.stat().st_mtime < _FRESH_S:
        return path
    return keep(name, redacted("\n".join([*heading(words), "", *_trace(error)]), words))


def _trace(error: BaseException) -> Sequence[str]:
    """Give the traceback in lines; of a message without end, and of a chain without end, only so much."""
    lines = [line[:_LONGEST_LINE] for line in "".join(traceback.format_exception(error)).splitlines()]
    if len(lines) <= 2 * _LINES_AN_END:
        return lines
    return [*lines[:_LINES_AN_END], "...", *lines[-_LINES_AN_END:]]


def _signature(error: BaseException) -> str:
    """Give the same eight digits for the same kind of error at the same place of the same version."""
    parts = [_version("mien") or ""]
    one: BaseException | None = error
    seen: set[int] = set()
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        parts.append(type(one).__qualname__)
        # Each place once: an error that is kept and raised again grows by the same places every time.
        frames = islice(traceback.walk_tb(one.__traceback__), _MOST_FRAMES)
        parts += dict.fromkeys(f"{Path(frame.f_code.co_filename).name}:{line}" for frame, line in frames)
        one = one.__cause__ or one.__context__
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:8]


def _file_settings() -> Iterator[str]:
    for path in (Path(_SETTINGS_FILE), config_folder() / _SETTINGS_FILE):
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            yield "unreadable"
            return
        yield from shown_settings(found)
        return


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
