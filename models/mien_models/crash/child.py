"""The edge of a process that Mien starts for one task: its answer is JSON on stdout, whatever happens to it."""

import faulthandler
import json
import sys
from collections.abc import Callable, Mapping

from mien_models.crash.record import sentence_of


def answer(task: Callable[[], Mapping[str, object]], *, fault: str, doing: str) -> str:
    """Do the task and give its answer as JSON; a fault of Mien's is `{fault: sentence with a crash file}`.

    What native code does to the process is on stderr, with the place in Python's code.
    """
    if sys.stderr is not None and not faulthandler.is_enabled():
        faulthandler.enable()
    try:
        return json.dumps(task())
    except Exception as error:  # noqa: BLE001 - the edge of a process
        return json.dumps({fault: sentence_of(error, doing)})
