"""Tries a model in another process, which it may crash or block without harm."""

import logging
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

from mien_models.errors import ModelError
from mien_models.system.json_text import json_object
from mien_models.system.printable import in_one_line

_LOG = logging.getLogger(__name__)
_PROGRAM: Final = ("-P", "-m", "mien_models.library.self_test_process")
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
    answer = answer_of([*_PROGRAM, str(folder)], name, seconds=seconds)
    return float(cast("float", answer["run_ms"]))


def answer_of(
    program: Sequence[str], name: str, *, content: bytes = b"", seconds: float = MOST_SECONDS
) -> dict[str, object]:
    """Run one of our own programs that loads a network, and give its answer.

    Args:
        program: what follows `python` on its command line; it prints `ANSWER` and JSON.
        name: what to call the network in messages.
        content: what the program reads from its standard input.
        seconds: how long it may take.

    Raises:
        ModelError: the program refused it, failed, ended or did not answer in time.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, *program], capture_output=True, timeout=seconds, check=False, input=content
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"{name!r} fails its self-test: no answer within {seconds:.0f} s. Give another file."
        ) from error
    said, error_text = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    _LOG.debug("the trial of %s said: %s", name, error_text.strip())
    if done.returncode != 0:
        raise ModelError(
            f"{name!r} fails its self-test: it ends the program that loads it ({_end(done.returncode)}). "
            "Export or download it again."
        )
    # What the libraries print comes before.
    try:
        result = json_object(said.rpartition(ANSWER)[2])
    except ValueError as error:
        raise ModelError(f"{name!r} fails its self-test: it ends the program that loads it. Get it again.") from error
    if "refusal" in result:
        raise ModelError(in_one_line(str(result["refusal"])))
    if "fault" in result:
        fault = in_one_line(str(result["fault"]))
        raise ModelError(f"{name!r} fails its self-test: it does not run ({fault}). Give another file.")
    return result


def _end(status: int) -> str:
    try:
        return signal.Signals(-status).name if status < 0 else f"status {status}"
    except ValueError:
        return f"signal {-status}"
