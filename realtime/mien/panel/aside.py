"""Runs one of the panel's own programs beside the stream: at low priority, with a limit, in a process that may fail."""

import asyncio
import json
import os
import sys
from typing import Any, Final, cast

from mien_models.errors import MienError
from mien_models.system.crash.child import SENTENCES
from mien_models.system.sentence import revived, sentence

FAULT: Final = "fault"
ANSWER: Final = "\n=== answer ===\n"
"""Stands before the answer: what libraries print comes before it."""


async def answer_of(module: str, *words: str, seconds: float) -> dict[str, Any]:
    """Run `python -m module words` and give its answer.

    Raises:
        MienError: it failed, in its own words, or did not answer in time.
    """
    # -P: nothing is imported from the folder that the user happens to be in.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module, *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError as error:
        raise MienError(sentence("No answer came within {seconds} s. Try again.", seconds=round(seconds))) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = said.decode("utf-8", "replace").rpartition(ANSWER)[2]
    try:
        loaded: Any = json.loads(text)
    except ValueError as error:
        raise MienError(f"It failed with status {process.returncode}. Try another one.") from error
    if not isinstance(loaded, dict):
        raise MienError("It gave no answer. Try again.")
    answer = cast("dict[str, Any]", loaded)
    told: dict[str, Any] = revived(answer, answer.pop(SENTENCES, {}))
    if FAULT in told:
        raise MienError(str(told[FAULT]))
    return told


def step_back() -> None:
    """Leave the processor to the stream; called by the program itself."""
    if hasattr(os, "nice"):
        os.nice(4)
