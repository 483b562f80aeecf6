"""Loads a model, runs it once on a known input and prints what happened, as JSON.

A program of its own (`python -m mien_models.library.self_test_process FOLDER`), because a file that somebody made may
end the process, eat its memory or never return.
"""

import sys
from pathlib import Path
from typing import Final

from mien_models.architectures._trial import trial_of
from mien_models.errors import ModelError
from mien_models.library.self_test import ANSWER
from mien_models.runtimes.ort.providers import CPU_RUN
from mien_models.runtimes.ort.refusal import refusal_of
from mien_models.specs.stored import read_stored
from mien_models.system.crash.child import answer

_ROOM_BYTES: Final = 6 * 2**30
_COPIES: Final = 4
"""ONNX Runtime holds a file, its parts, what it made of them and the run's arrays at a time."""
_THREADS: Final = 2


def try_model(folder: Path) -> dict[str, str | float]:
    """Run it; {'run_ms': one run}, {'refusal': a sentence} or {'fault': one line of somebody else's}."""
    try:
        stored = read_stored(folder)
        content = stored.weights()
        limit_memory(len(content))
        _, proof = trial_of(stored.manifest.network, content, stored.manifest.name, _THREADS).on(CPU_RUN)
    except ModelError as error:
        return {"refusal": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever a strange network leads to is the finding
        return {"fault": refusal_of(error)}
    return {"run_ms": round(proof.run_ms, 3)}


def limit_memory(size_bytes: int) -> None:
    """Let the process fail, not the machine, where a network asks for more than any of its size should."""
    if sys.platform == "win32":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _ROOM_BYTES + _COPIES * size_bytes
    allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    tried = answer(lambda: try_model(Path(sys.argv[1])), fault="refusal", doing="The trial of a model failed")
    sys.stdout.write(ANSWER + tried)
