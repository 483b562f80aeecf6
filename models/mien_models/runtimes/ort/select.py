"""The first way to run a network that proves itself is taken; every other one that was wanted is named aloud."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.runtimes.onnx import OnnxSession
from mien_models.runtimes.ort.providers import Run
from mien_models.runtimes.ort.self_test import Check, Proof, proven_session

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What is needed to try a network anywhere."""

    content: bytes
    """Of its file."""
    name: str
    known: Mapping[str, NDArray[Any]]
    """An array for every input."""
    check: Check
    threads: int = 1

    def on(self, run: Run) -> tuple[OnnxSession, Proof]:
        """Try it on one provider.

        Raises:
            ModelError: see `proven_session`.
        """
        return proven_session(self.content, self.name, run, threads=self.threads, known=self.known, check=self.check)


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """A network that has proved where it runs."""

    session: OnnxSession
    run: Run
    proof: Proof
    passed_over: tuple[str, ...] = ()
    """One sentence for each way that was wanted and did not work."""


def serve(trial: Trial, runs: Sequence[Run]) -> Served:
    """Take the first of the runs that works; say loudly when it was not the first one.

    Raises:
        ModelError: none of them works; the message is the last one's.
    """
    passed_over: list[str] = []
    for run in runs:
        try:
            session, proof = trial.on(run)
        except ModelError as error:
            passed_over.append(str(error))
            _LOG.warning("%s", error)
            continue
        if passed_over:
            _LOG.warning("%r runs on %s instead of %s: %s.", trial.name, run.title, runs[0].title, proof.sentence)
        else:
            _LOG.info("%r runs on %s: %s.", trial.name, run.title, proof.sentence)
        return Served(session, run, proof, tuple(passed_over))
    raise ModelError(passed_over[-1] if passed_over else f"{trial.name!r} was given no provider to run on.")
