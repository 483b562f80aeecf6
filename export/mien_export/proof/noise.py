"""Whether a difference is the file's or the network's: what full precision itself loses, measured against double.

Norms over a few pixels enlarge rounding. A network whose own answer in full precision is two thousandths off cannot be
asked for a file that is closer to it than that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mien_export.contracts import Network
from mien_export.proof.cases import Case
from mien_export.proof.gates import Gates
from mien_export.proof.measuring import Measured, measure
from mien_export.proof.pixels import Numbers
from mien_export.proof.reference import Reference, run_exactly

Answers = Mapping[str, Mapping[str, Numbers]]
"""By case and output."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one output may differ by, since the network itself is so noisy there."""

    case: str
    """Where it is noisiest."""
    output: str
    noise: float
    """Largest difference of torch's full precision from double; black to white is 1."""
    allowed: float
    """Instead of the gate."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A file's failures after the network's own noise was taken into account."""

    failures: tuple[str, ...]
    allowances: tuple[Allowance, ...]


def weigh(
    reference: Reference,
    network: Network,
    asked: Mapping[str, Case],
    expected: Answers,
    *,
    suspects: Sequence[tuple[Measured, Mapping[str, Numbers]]],
    gates: Gates,
    also: Callable[[str], None] = lambda _: None,
) -> Weighed:
    """Hold answers that fail a gate against the exact ones.

    Args:
        reference: makes the checkpoint's module.
        network: its ports.
        asked: the cases by name.
        expected: what torch gave in full precision, by case.
        suspects: what was measured, and the file's answer that it was measured on.
        gates: of the file.
        also: called with what is done next.
    """
    module = reference()
    exact: dict[str, Mapping[str, Numbers]] = {}
    names = sorted({one.question for one, _ in suspects})
    for place, name in enumerate(names, 1):
        also(f"what the network loses by itself, {place} of {len(names)}: {name}")
        exact[name] = run_exactly(module, network, asked[name].inputs)
    noises = [one for name in exact for one in measure(network, name, exact[name], expected[name])]
    failures: list[str] = []
    allowances: dict[str, Allowance] = {}
    for one, answer in suspects:
        noise = _loudest(one.output, noises)
        widened = gates.with_noise(noise, network.spec(has_map=True))
        again = next(
            found for found in measure(network, one.case, exact[one.question], answer) if found.output == one.output
        )
        told = widened.failures(again)
        failures += [f"{one.case}, {one.output}: {text}; its own noise is {noise.max_error:.2g}" for text in told]
        allowances[one.output] = Allowance(noise.case, one.output, noise.max_error, widened.max_error)
    return Weighed(tuple(failures), tuple(allowances.values()))


def _loudest(output: str, noises: Sequence[Measured]) -> Measured:
    """Take the most that the network loses in any case: how much it is in one is chance, and so is the mean there."""
    of_output = [one for one in noises if one.output == output]
    loudest = max(of_output, key=lambda one: one.max_error)
    cosines = [one.cosine for one in of_output if one.cosine is not None]
    return replace(
        loudest, mean_error=max(one.mean_error for one in of_output), cosine=min(cosines) if cosines else None
    )
