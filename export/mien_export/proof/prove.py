"""The proof: every case through the checkpoint's network in torch and through each file."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mien_export.contracts import Network
from mien_export.precision.islands import Island
from mien_export.progress import Progress, Steps, tell
from mien_export.proof.cases import Case, choose, looked_into
from mien_export.proof.gates import Gates, Raised
from mien_export.proof.identity import LEAST_FULL, LEAST_HALF, IdentityJudge
from mien_export.proof.measuring import Measured, measure
from mien_export.proof.noise import Allowance, Answers, Weighed, weigh
from mien_export.proof.pixels import Numbers
from mien_export.proof.reference import Reference, run_counted, run_torch
from mien_export.proof.serving import Candidate, open_candidate
from mien_models.system.freed_memory import give_back_freed_memory, page_out_files


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
    allowances: tuple[Allowance, ...] = ()
    """Where the network's own noise made more of a difference allowable."""
    raised: Raised | None = None
    """What the user allowed more."""
    says_raised: str = ""
    """What its export was allowed more, as it says of itself: JSON."""
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
    cost_gmac: float = 0.0
    """Multiplications and additions of one picture, in units of 1e9."""
    made: Made | None = None
    """What the export cost that the proof belongs to."""

    @property
    def has_failed(self) -> bool:
        """Whether some file failed a gate."""
        return any(one.failures for one in self.files)


def prove(
    reference: Reference,
    network: Network,
    paths: Sequence[Path],
    cases: Sequence[Case],
    *,
    progress: Progress = tell,
    judge: IdentityJudge | None = None,
    raised: Raised | None = None,
) -> Proof:
    """Run every case in torch, fp32, and in each file.

    Args:
        reference: makes the deployed module.
        network: its ports.
        paths: ONNX files; what cannot be run here, such as an engine without its GPU, is reported as not run.
        cases: as `make_cases` made them; a network that costs much is asked the first of them only.
        progress: called with what is done next.
        judge: compares the faces' identity.
        raised: what the user allows more.
    """
    module = reference()
    # How much is asked depends on what the first answer costs.
    progress(f"proving: the checkpoint in torch, {cases[0].name}", 0.0)
    answer, cost_gmac = run_counted(module, network, cases[0].inputs)
    asked, batches = choose(cases, cost_gmac)
    steps = Steps(progress, "proving", len(asked) + len(paths) * (len(asked) + len(batches)), done=1)
    expected = {asked[0].name: answer}
    for case in asked[1:]:
        steps.begin(f"the checkpoint in torch, {case.name}")
        expected[case.name] = run_torch(module, network, case.inputs)
    # A file that runs needs as much memory again.
    del module
    gc.collect()
    give_back_freed_memory()
    page_out_files()
    files = [_judged(path, network, Questions(asked, batches, expected, reference, raised), steps) for path in paths]
    first = network.outputs[0].name
    pictures = {name: one[first] for name, one in expected.items()}
    if judge is not None:
        files = [_with_identity(file, network, asked, pictures, judge) for file in files]
    return Proof(tuple(asked), pictures, tuple(files), cost_gmac)


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """What each file is asked, and what it should answer."""

    cases: Sequence[Case]
    batches: Sequence[int]
    """How many at once, beside one by one."""
    expected: Answers
    reference: Reference
    raised: Raised | None


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


def _judged(path: Path, network: Network, questions: Questions, steps: Steps) -> Judged:
    candidate = open_candidate(path)
    if isinstance(candidate, str):
        return Judged(path, is_half=False, gates=None, measured=(), failures=(), not_run=candidate)
    # Before it is run: both need the memory of its weights.
    failures = [*candidate.faults, *candidate.inner_faults(looked_into(questions.cases), network)]
    spec, raised = network.spec(has_map=True), questions.raised
    gates = Gates.of(spec, is_half=candidate.is_half, is_fused=candidate.is_fused, raised=raised)
    answered = [*_one_by_one(candidate, network, questions, steps)]
    if candidate.takes_batches:
        answered += _in_batches(candidate, network, questions, steps)
    found = Judged(path, candidate.is_half, gates, (), (), nodes=candidate.nodes, islands=candidate.islands)
    found = replace(found, says_raised=candidate.raised)
    candidate.close()
    give_back_freed_memory()
    measured = [
        (one, answer)
        for asked, case, answer in answered
        for one in measure(network, case, questions.expected[asked], answer, asked)
    ]
    suspects = [pair for pair in measured if gates.failures(pair[0])]
    weighed = _weighed(found, network, questions, suspects, steps)
    first = network.outputs[0].name
    return replace(
        found,
        measured=tuple(one for one, _ in measured),
        failures=(*failures, *weighed.failures),
        allowances=weighed.allowances,
        answers={case: answer[first] for asked, case, answer in answered if asked == case},
        raised=raised,
    )


def _weighed(
    file: Judged,
    network: Network,
    questions: Questions,
    suspects: Sequence[tuple[Measured, Mapping[str, Numbers]]],
    steps: Steps,
) -> Weighed:
    """Ask how noisy the network is where a file in full precision is a little off; other failures stand as they are."""
    gates = file.gates
    if gates is None or not suspects:
        return Weighed((), ())
    if file.is_half or any(one.fault for one, _ in suspects):
        return Weighed(
            tuple(f"{one.case}, {one.output}: {told}" for one, _ in suspects for told in gates.failures(one)), ()
        )
    asked = {case.name: case for case in questions.cases}
    return weigh(
        questions.reference, network, asked, questions.expected, suspects=suspects, gates=gates, also=steps.also
    )


def _one_by_one(
    candidate: Candidate, network: Network, questions: Questions, steps: Steps
) -> Iterator[tuple[str, str, Mapping[str, Numbers]]]:
    """Give the name of each case, twice, and the answer."""
    for case in questions.cases:
        steps.begin(f"{candidate.name}, {case.name}")
        yield case.name, case.name, candidate.run(case.inputs, network)


def _in_batches(
    candidate: Candidate, network: Network, questions: Questions, steps: Steps
) -> Iterator[tuple[str, str, Mapping[str, Numbers]]]:
    """Ask several cases at once: each must get the answer that it gets alone."""
    cases = questions.cases
    for size in questions.batches:
        together = [cases[place % len(cases)] for place in range(size)]
        inputs = {
            port.name: np.concatenate([case.inputs[port.name] for case in together])
            if port.has_batch
            else together[0].inputs[port.name]
            for port in network.inputs
        }
        steps.begin(f"{candidate.name}, {size} at once")
        answers = candidate.run(inputs, network)
        for place, case in enumerate(together):
            alone = {name: one[place : place + 1] for name, one in answers.items()}
            yield case.name, f"{case.name} in a batch of {size}", alone
