"""The edge of a process that Mien starts for one task: its answer is JSON on stdout, whatever happens to it."""

import faulthandler
import json
import sys
from collections.abc import Callable, Mapping
from typing import Final

from mien_models.errors import MienError
from mien_models.system.crash.edge import edge
from mien_models.system.sentence import parts_in

SENTENCES: Final = "sentences"
"""Key of the parts of the answer's sentences, by their English texts."""


def answer(task: Callable[[], Mapping[str, object]], *, fault: str, doing: str) -> str:
    """Do the task and give its answer as JSON; a failure is `{fault: its sentence}`.

    What native code does to the process is on stderr, with the place in Python's code.
    """
    if sys.stderr is not None and not faulthandler.is_enabled():
        faulthandler.enable()
    text: str = ""
    failures: list[MienError] = []
    with edge(doing, failures.append):
        text = told(task())
    return text if not failures else told({fault: str(failures[0])})


def told(answer: Mapping[str, object]) -> str:
    """Write an answer as JSON, with what its sentences were made of beside them."""
    parts = parts_in(answer)
    return json.dumps({**answer, **({SENTENCES: parts} if parts else {})})
