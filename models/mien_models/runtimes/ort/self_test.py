"""Proof that a network runs where it should: which provider took which node, how long a run takes, what comes out."""

import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic_ns
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.runtimes.onnx import OnnxSession
from mien_models.runtimes.ort.providers import CPU_PROVIDER, Run

_TIMED_RUNS: Final = 3
_FLAT: Final = 1 / 20_000
"""Of black to white. A network that broke down gives one colour; one that is hardly trained varies by 1 / 300, say."""
MOST_ON_CPU: Final = 0.2
"""A network of which the processor takes a larger part of the time than this does not run on its provider."""


class Check(Protocol):
    """Looks at what a network answers to the known input."""

    def __call__(self, answers: Mapping[str, NDArray[Any]]) -> str | None:
        """Say in a few words what is wrong, such as 'its picture has a single colour'; None when all is well."""
        ...


@dataclass(frozen=True, slots=True)
class Proof:
    """What was seen when a network was tried."""

    nodes: Mapping[str, int]
    """How many of its nodes each provider ran."""
    time_share: Mapping[str, float]
    """Which part of the nodes' time each provider took, 0..1."""
    run_ms: float
    """Median of a whole run, after one that warmed up."""

    @property
    def sentence(self) -> str:
        """One line for people."""
        where = ", ".join(f"{count} nodes on {provider}" for provider, count in self.nodes.items())
        return f"{where}, {self.run_ms:.1f} ms"

    def fault(self, run: Run) -> str | None:
        """Say why the network does not really run on a provider, or None."""
        if run.provider == CPU_PROVIDER:
            return None
        if run.provider not in self.nodes:
            return f"none of its nodes ran on {run.provider}"
        on_cpu = self.time_share.get(CPU_PROVIDER, 0.0)
        return f"{on_cpu:.0%} of its time was spent on the processor" if on_cpu > MOST_ON_CPU else None


def proven_session(
    content: bytes, name: str, run: Run, *, threads: int, known: Mapping[str, NDArray[Any]], check: Check
) -> tuple[OnnxSession, Proof]:
    """Load a network and try it on a known input, which also warms it up.

    Args:
        content: of its file.
        name: what to call it in messages.
        run: where it shall run.
        threads: of the processor.
        known: an array for every input.
        check: looks at the answer.

    Raises:
        ModelError: it does not load, does not run, answers nonsense, or runs somewhere else.
    """
    with tempfile.TemporaryDirectory(prefix="mien-proof-") as folder:
        session = OnnxSession(content, name, threads=threads, run=run, profile=Path(folder) / "profile")
        answers = session.run(known)
        fault = check(answers)
        nodes, shares = _read_profile(session.end_profile())
    if fault is not None:
        raise ModelError(f"{name!r} fails its self-test on {run.title}: {fault}.")
    times_ms: list[float] = []
    for _ in range(_TIMED_RUNS):
        started_ns = monotonic_ns()
        session.run(known)
        times_ms.append((monotonic_ns() - started_ns) / 1e6)
    proof = Proof(nodes, shares, median(times_ms))
    fault = proof.fault(run)
    if fault is not None:
        raise ModelError(f"{name!r} was to run on {run.provider}, but {fault}.")
    return session, proof


def picture_fault(picture: NDArray[Any], *, lowest: float, highest: float) -> str | None:
    """Look at a picture that a network made of the known input.

    Args:
        picture: its numbers, any shape.
        lowest: the number that stands for black.
        highest: the number that stands for white.

    Returns:
        What is wrong with it: not finite, a single colour, or far outside its range; None when nothing is.
    """
    numbers = np.asarray(picture, np.float32)
    if not np.isfinite(numbers).all():
        return "its picture has values that are no numbers"
    span = highest - lowest
    if float(numbers.std()) < span * _FLAT:
        return "its picture has a single colour"
    outside = float(np.mean((numbers < lowest - span) | (numbers > highest + span)))
    return f"{outside:.0%} of its picture is far outside black and white" if outside > 0.01 else None


def _read_profile(file: Path) -> tuple[dict[str, int], dict[str, float]]:
    """Count nodes and share out time by provider, from ONNX Runtime's profile (events of the category 'Node')."""
    nodes: dict[str, set[str]] = {}
    times: Counter[str] = Counter()
    for event in json.loads(file.read_text("utf-8")):
        provider = event.get("args", {}).get("provider", "")
        if event.get("cat") == "Node" and provider and str(event["name"]).endswith("_kernel_time"):
            nodes.setdefault(provider, set()).add(str(event["name"]))
            times[provider] += int(event.get("dur", 0))
    total = max(1, sum(times.values()))
    return (
        {provider: len(names) for provider, names in nodes.items()},
        {provider: spent / total for provider, spent in times.items()},
    )
