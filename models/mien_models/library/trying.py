"""Tries a model in another process, which it may crash or block without harm."""

import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from mien_models.errors import ModelError
from mien_models.json_text import json_object

_LOG = logging.getLogger(__name__)
_PROGRAM: Final = ("-P", "-m", "mien_models.library.trial")
"""-P: nothing is imported from the folder that the user happens to be in."""
ANSWER: Final = "\n=== answer ===\n"
"""Stands before the answer of the trial."""
MOST_SECONDS: Final = 300.0
"""The heaviest known swapper (UniFace, 309 GMAC) takes some ten seconds a run on two cores, and is run four times."""


def try_out(folder: Path, name: str, *, seconds: float = MOST_SECONDS) -> float:
    """Load and run the model that lies in a folder.

    Args:
        folder: holds its manifest and weights.
        name: what to call it in messages.
        seconds: how long it may take.

    Returns:
        Milliseconds of one run on the processor.

    Raises:
        ModelError: it does not load or run, answers nonsense, ends the process or does not answer in time.
    """
    command = [sys.executable, *_PROGRAM, str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"{name!r} fails its self-test: no answer within {seconds:.0f} s. Give another file."
        ) from error
    _LOG.debug("the trial of %s said: %s", name, done.stderr.strip())
    if done.returncode != 0:
        raise ModelError(
            f"{name!r} fails its self-test: it ends the program that loads it ({_end(done.returncode)}). "
            "Export or download it again."
        )
    # What the libraries print comes before.
    try:
        result = json_object(done.stdout.rpartition(ANSWER)[2])
    except ValueError as error:
        raise ModelError(f"{name!r} fails its self-test: it ends the program that loads it. Get it again.") from error
    if "refusal" in result:
        raise ModelError(_printable(str(result["refusal"])))
    if "fault" in result:
        fault = _printable(str(result["fault"]))
        raise ModelError(f"{name!r} fails its self-test: it does not run ({fault}). Give another file.")
    return float(result["run_ms"])


def _printable(text: str) -> str:
    """Take out what a terminal would obey: a network's names stand in the libraries' messages."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _end(status: int) -> str:
    try:
        return signal.Signals(-status).name if status < 0 else f"status {status}"
    except ValueError:
        return f"signal {-status}"
