"""The proof: every case through the checkpoint's network in torch and through each file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from mien_export.contracts import Network
from mien_export.precision.islands import Island
from mien_export.proof.cases import Case, looked_into
from mien_export.proof.gates import Gates
from mien_export.proof.identity import LEAST_FULL, LEAST_HALF, IdentityJudge
from mien_export.proof.measuring import Measured, measure
from mien_export.proof.pixels import Numbers
from mien_export.proof.serving import Candidate, open_candidate

_BATCHES: Final = (2, 4)
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One file that was held against the checkpoint."""

    path: Path
    is_half: bool
    gates: Gates | None
    """None where it could not be run."""
    measured: tuple[Measured, ...]
    failures: tuple[str, ...]
    """In words, with the case; empty when it passed or was not run."""
    not_run: str = ""
    """Why it was not run; a file that was not run is not proven."""
    answers: Mapping[str, Numbers] | None = None
    """Its first output by case, for the picture."""
    islands: tuple[Island, ...] = ()
    """What stays in full precision in a file of half precision."""
    nodes: int = 0
    identity: Mapping[str, float] | None = None
    """Cosine to the checkpoint's picture by an independent network, by case; None where there was none to ask."""

    @property
    def has_passed(self) -> bool:
        """Whether every gate held."""
        return not self.failures and not self.not_run


@dataclass(frozen=True, slots=True)
class Made:
    """What an export cost, its proof included."""

    seconds: float
    peak_mb: float
    """Resident memory of the process at its highest; 0 where the system does not keep it."""


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """What was found of every file."""

    cases: tuple[Case, ...]
    reference: Mapping[str, Numbers]
    """The checkpoint's first output by case."""
    files: tuple[Judged, ...]
    made: Made | None = None
    """What the export cost that the proof belongs to."""

    @property
    def has_failed(self) -> bool:
        """Whether some file failed a gate."""
        return any(one.failures for one in self.files)


def prove(
    reference: nn.Module,
    network: Network,
    paths: Sequence[Path],
    cases: Sequence[Case],
    *,
    progress: Progress = print,
    judge: IdentityJudge | None = None,
) -> Proof:
    """Run every case in torch, fp32, and in each file.

    Args:
        reference: the deployed module.
        network: its ports.
        paths: ONNX files; what cannot be run here, such as an engine without its GPU, is reported as not run.
        cases: as `make_cases` made them.
        progress: called with what is done next.
        judge: compares the faces' identity.
    """
    progress(f"the checkpoint in torch, {len(cases)} cases")
    expected = {case.name: run_torch(reference, network, case.inputs) for case in cases}
    files: list[Judged] = []
    for path in paths:
        progress(f"{path.name}, {len(cases)} cases")
        files.append(_judged(path, network, cases, expected))
    first = network.outputs[0].name
    pictures = {name: one[first] for name, one in expected.items()}
    if judge is not None:
        files = [_with_identity(file, network, cases, pictures, judge) for file in files]
    return Proof(tuple(cases), pictures, tuple(files))


def _with_identity(
    file: Judged, network: Network, cases: Sequence[Case], pictures: Mapping[str, Numbers], judge: IdentityJudge
) -> Judged:
    """Hold the faces of a file against the checkpoint's by an identity network."""
    faces = [case.name for case in cases if case.is_face]
    answers = {name: file.answers[name] for name in faces} if file.answers is not None else {}
    cosines = judge.cosines(network, pictures, answers)
    least = LEAST_HALF if file.is_half else LEAST_FULL
    failures = [f"{name}: identity {one:.4f}, at least {least}" for name, one in cosines.items() if one < least]
    return replace(file, identity=cosines, failures=(*file.failures, *failures))


def run_torch(module: nn.Module, network: Network, inputs: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Give every output of a module by its port."""
    given = [torch.from_numpy(inputs[port.name]) for port in network.inputs]
    with torch.inference_mode():
        answer: Any = module(*given)
    outputs: list[Any] = [answer] if isinstance(answer, torch.Tensor) else list(answer)
    return {port.name: np.asarray(one.numpy(), np.float32) for port, one in zip(network.outputs, outputs, strict=True)}


def _judged(
    path: Path, network: Network, cases: Sequence[Case], expected: Mapping[str, Mapping[str, Numbers]]
) -> Judged:
    candidate = open_candidate(path)
    if isinstance(candidate, str):
        return Judged(path, is_half=False, gates=None, measured=(), failures=(), not_run=candidate)
    # Before it is run: both need the memory of its weights.
    failures = [*candidate.faults, *candidate.inner_faults(looked_into(cases), network)]
    gates = Gates.of(network.spec(has_map=True), is_half=candidate.is_half, is_fused=candidate.is_fused)
    answers = {case.name: candidate.run(case.inputs, network) for case in cases}
    measured = [one for case in cases for one in measure(network, case.name, expected[case.name], answers[case.name])]
    if candidate.takes_batches:
        measured += _in_batches(candidate, network, cases, expected)
    failures += [f"{one.case}, {one.output}: {told}" for one in measured for told in gates.failures(one)]
    first = network.outputs[0].name
    pictures = {name: one[first] for name, one in answers.items()}
    found = Judged(path, candidate.is_half, gates, tuple(measured), tuple(failures), answers=pictures)
    return replace(found, islands=candidate.islands, nodes=candidate.nodes)


def _in_batches(
    candidate: Candidate, network: Network, cases: Sequence[Case], expected: Mapping[str, Mapping[str, Numbers]]
) -> list[Measured]:
    """Ask several cases at once: each must get the answer that it gets alone."""
    found: list[Measured] = []
    for size in _BATCHES:
        together = [cases[place % len(cases)] for place in range(size)]
        inputs = {
            port.name: np.concatenate([case.inputs[port.name] for case in together])
            if port.has_batch
            else together[0].inputs[port.name]
            for port in network.inputs
        }
        answers = candidate.run(inputs, network)
        for place, case in enumerate(together):
            alone = {name: one[place : place + 1] for name, one in answers.items()}
            found += measure(network, f"{case.name} in a batch of {size}", expected[case.name], alone)
    return found
