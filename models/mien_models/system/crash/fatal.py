"""What ends the process itself, such as a segmentation fault: its place is kept, and told at the next start."""

import contextlib
import faulthandler
import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mien_models.system.crash.record import crash_folder, heading, keep, pointing_to
from mien_models.system.crash.redaction import redacted, shown_words

_PREFIX: Final = "fatal-"
_QUESTIONS: Final = frozenset({"--help", "-h", "--version"})
_KIND: Final = re.compile(r"^(?:Fatal Python error|Windows fatal exception): (.+)$", re.MULTILINE)
_PLACE: Final = re.compile(
    r'^Current thread[^\n]*\n(?:  <[^\n]*\n)*  File "([^"\n]+)", line (\d+) in (\S+)', re.MULTILINE
)


@contextmanager
def fatal_errors_kept(words: Sequence[str]) -> Generator[str | None]:
    """Let Python write the stacks of all threads to a file when a fault of native code ends the process.

    Gives a sentence about an earlier run that ended so, or None. Where somebody has switched this on already, as
    `python -X dev` does, theirs stays. A folder that cannot be written to is no reason not to run.
    """
    if faulthandler.is_enabled() or not words or _QUESTIONS & set(words):
        yield None
        return
    folder = crash_folder()
    path = folder / f"{_PREFIX}{os.getpid()}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        told = _told_of_earlier(folder)
        file = path.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError:
        yield None
        return
    try:
        with file:
            path.chmod(0o600)
            file.write(f"began at {datetime.now(UTC).isoformat(timespec='seconds')}: {shown_words(words)}\n\n")
            file.flush()
            faulthandler.enable(file, all_threads=True)
            try:
                yield told
            finally:
                faulthandler.disable()
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _told_of_earlier(folder: Path) -> str | None:
    """Make a crash file of what runs left that no longer live; give a sentence about the last of them."""
    told: str | None = None
    for path in folder.glob(f"{_PREFIX}*.txt"):
        if _is_alive(path):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        kind = _KIND.search(text)
        if kind is not None:  # else it was killed from outside, or the power went
            kept = keep(f"crash-{path.stem}.txt", redacted("\n".join([*heading([]), "", text])))
            place = _PLACE.search(text)
            where = f" in {Path(place[1]).name}, line {place[2]}, {place[3]}" if place else ""
            told = f"An earlier run was ended by the system ({kind[1]}{where}). {pointing_to(kept)}"
        path.unlink(missing_ok=True)
    return told


def _is_alive(path: Path) -> bool:
    import psutil

    number = path.stem.removeprefix(_PREFIX)
    # Our own number is that of an earlier process: in a container they begin again with every start.
    return number.isdecimal() and int(number) != os.getpid() and psutil.pid_exists(int(number))
