"""The edge of a process that Mien starts for one task: its answer is JSON on stdout, whatever happens to it."""

import faulthandler
import json
import sys
from collections.abc import Callable, Mapping

from mien_models.errors import MienError
from mien_models.system.crash.edge import edge


def answer(task: Callable[[], Mapping[str, object]], *, fault: str, doing: str) -> str:
    """Do the task and give its answer as JSON; a failure is `{fault: its sentence}`.

    What native code does to the process is on stderr, with the place in Python's code.
    """
    if sys.stderr is not None and not faulthandler.is_enabled():
        faulthandler.enable()
    text: str = ""
    failures: list[MienError] = []
    with edge(doing, failures.append):
        text = json.dumps(task())
    return json.dumps({fault: str(failures[0])}) if failures else text
