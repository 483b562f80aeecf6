"""An engine is built in another process while a slower provider serves; then the network runs on it."""

import dataclasses
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Final, cast

from mien_models.runtimes.ort.providers import Run
from mien_models.system.crash.edge import edge

_LOG = logging.getLogger(__name__)
LONGEST_S: Final = 1800.0
"""The largest networks take about ten minutes on a slow card; what takes longer hangs."""
SAY_EVERY_S: Final = 15.0


def build_aside(
    model_folder: Path, name: str, run: Run, threads: int, done: Callable[[], None], *, longest_s: float = LONGEST_S
) -> threading.Thread:
    """Begin to build an engine.

    Args:
        model_folder: of the network.
        name: what to call it in messages.
        run: with the options that say where the engine is kept.
        threads: of the processor, for the network.
        done: called from the thread that waits, once the engine is there and proved itself.
        longest_s: after so long it is given up.

    Returns:
        The thread that waits for it; it says how it goes every 15 seconds, and how it ended.
    """
    order: dict[str, object] = {"folder": str(model_folder), "run": dataclasses.asdict(run), "threads": threads}

    def not_used(why: object) -> None:
        _LOG.warning("The engine of %r for %s is not used: %s", name, run.title, why)

    def wait() -> None:
        _LOG.info("The engine of %r for %s is being built; until then it runs slower.", name, run.title)
        with edge("its building failed", not_used):
            fault = _built(order, name, run, longest_s)
            if fault is not None:
                not_used(fault)
            else:
                done()

    thread = threading.Thread(target=wait, name="mien-engine", daemon=True)
    thread.start()
    return thread


def _built(order: dict[str, object], name: str, run: Run, longest_s: float) -> str | None:
    """Run the builder; say what went wrong, or None."""
    # -P: nothing is imported from the folder that the user happens to be in.
    command = [sys.executable, "-P", "-m", "mien_models.library.engine_builder"]
    began_s = monotonic()
    with subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as builder:
        assert builder.stdin is not None  # noqa: S101 - both are pipes
        assert builder.stdout is not None  # noqa: S101
        builder.stdin.write(json.dumps(order).encode() + b"\n")
        builder.stdin.flush()
        while True:
            try:
                builder.wait(SAY_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                elapsed_s = monotonic() - began_s
                if elapsed_s > longest_s:
                    builder.kill()
                    return f"it took longer than {longest_s:.0f} s."
                _LOG.info("The engine of %r for %s is being built, for %.0f s now.", name, run.title, elapsed_s)
        answer = builder.stdout.read()
    if not answer:
        return f"the process that builds it ended with status {builder.returncode}."
    outcome = cast("dict[str, object]", json.loads(answer))
    if "fault" in outcome:
        return str(outcome["fault"])
    _LOG.info("The engine of %r for %s was built in %.0f s.", name, run.title, monotonic() - began_s)
    return None
