"""Builds one engine and ends: `python -m mien_models.library.engine_builder`, order on stdin, outcome on stdout.

A process of its own: building takes minutes of all that a card and a processor have, and may end the process.
"""

import json
import os
import sys
import threading
from pathlib import Path

from mien_models.architectures._trial import trial_of
from mien_models.errors import ModelError
from mien_models.runtimes.ort.providers import Run
from mien_models.specs.stored import read_stored
from mien_models.system.crash.child import answer


def build(order: dict[str, object]) -> dict[str, object]:
    """Make a session on the run that was ordered, which builds and keeps its engine, and try it.

    Args:
        order: 'folder' of the model, 'run' as its fields, 'threads'.

    Returns:
        {'run_ms': of one run} or {'fault': a sentence}.
    """
    try:
        stored = read_stored(Path(str(order["folder"])))
        run = Run(**order["run"])  # type: ignore[arg-type]
        threads = int(str(order["threads"]))
        trial = trial_of(stored.manifest.network, stored.weights(), stored.manifest.name, threads)
        _, proof = trial.on(run)
    except ModelError as error:
        return {"fault": str(error)}
    return {"run_ms": round(proof.run_ms, 3)}


def _end_with_parent() -> None:
    """End when the program that ordered the engine does: its end of our stdin closes then."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    wanted = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout.write(answer(lambda: build(wanted), fault="fault", doing="The building of an engine failed"))
    sys.stdout.flush()
    os._exit(0)
