"""From weights to one ONNX file that says of itself what it is."""

import json
import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import onnx
import onnxslim
import torch
from torch import Tensor, nn

from mien_export.contracts import Network
from mien_export.custom import CustomNetwork
from mien_export.progress import Progress, Steps, silent
from mien_export.seeded import LAST_COUNTER, example, seeded_inputs
from mien_export.streaming import Parts, parts_of_program, write_parts
from mien_export.torchs_steps import TORCHS_STEPS, told
from mien_models.architectures._registry import LICENCE_STAMP, STAMP, stamp_of
from mien_models.errors import MienError
from mien_models.specs.network import Terms
from mien_models.system.atomic_write import PART, beside

OPSET: Final = 20
LARGEST_BATCH: Final = 64
TRACED_BATCH: Final = 2
"""Tracing with one picture would make every sum over the batch a constant."""
_MOST_LISTED: Final = 8


class ExportError(MienError):
    """A checkpoint does not fit, or a graph did not come out as it should."""


@dataclass(frozen=True, slots=True)
class GraphOptions:
    """How the graph is written."""

    batch: int | None = None
    """A fixed number of pictures; None lets the caller choose with every run."""
    identity_map: Tensor | None = None
    """(length, length), for networks that were trained with one; it becomes part of the graph."""
    needs_no_map: bool = False
    """Whether the network was trained on identity vectors as they are."""
    terms: Terms | None = None
    """Under what terms the weights may be used, where somebody said it; None writes nothing."""
    may_be_apart: bool = False
    """Whether weights that one file cannot hold may stand in another beside it: for what makes it smaller next."""
    stamps: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further metadata: the source's sha256, its name."""


def loaded(network: Network, state: Mapping[str, Tensor]) -> nn.Module:
    """Build the bare module with these weights.

    Raises:
        ExportError: keys are missing or left over, which the message lists, a shape differs, or values are no numbers.
    """
    core = _without_memory(network)
    expected = {key: tuple(one.shape) for key, one in core.state_dict().items() if LAST_COUNTER not in key}
    found = {key: tuple(one.shape) for key, one in state.items() if LAST_COUNTER not in key}
    differing = [
        f"{key} is {found[key]} instead of {shape}"
        for key, shape in expected.items()
        if key in found and found[key] != shape
    ]
    problems = {
        "missing": sorted(expected.keys() - found.keys()),
        "unexpected": sorted(found.keys() - expected.keys()),
        "of another shape": differing,
    }
    told = "; ".join(f"{what}: {_listed(keys)}" for what, keys in problems.items() if keys)
    if told:
        raise ExportError(
            f"The checkpoint should have the keys of {type(network).__name__}, but there are some {told}. "
            "Name another network with --arch, or give the checkpoint that it was trained to."
        )
    _check_numbers({key: state[key] for key, one in core.state_dict().items() if one.is_floating_point()})
    counters = {key: torch.tensor(0) for key in core.state_dict() if key not in expected}
    # The module takes the very tensors of the state: large networks are not held twice.
    core.load_state_dict({key: state[key].detach() for key in expected} | counters, assign=True)
    return core.eval().requires_grad_(requires_grad=False)


def _check_numbers(weights: Mapping[str, Tensor]) -> None:
    """Refuse what no network can compute with.

    Raises:
        ExportError: weights are whole numbers, as quantised ones are, or not finite.
    """
    whole = {key: one.dtype for key, one in weights.items() if not one.is_floating_point()}
    if whole:
        kind = str(next(iter(whole.values()))).removeprefix("torch.")
        raise ExportError(
            f"The checkpoint should hold its weights as floating-point numbers, but {_listed(sorted(whole))} "
            f"{'is' if len(whole) == 1 else 'are'} {kind}; give the file from before it was quantised."
        )
    broken = sorted(key for key, one in weights.items() if not one.isfinite().all().item())
    if broken:
        raise ExportError(
            f"The checkpoint holds values that are not finite, in {_listed(broken)}: its training had gone wrong by "
            "then, or the file is damaged. Give an earlier one, or download it again."
        )


def _without_memory(network: Network) -> nn.Module:
    """Build a module whose weights take no memory; a class of the user's own may compute with them, so it gets some."""
    if isinstance(network, CustomNetwork):
        return network.build()
    with torch.device("meta"):
        return network.build()


def _listed(keys: list[str]) -> str:
    return ", ".join(keys[:_MOST_LISTED]) + (
        f" and {len(keys) - _MOST_LISTED} more" if len(keys) > _MOST_LISTED else ""
    )


def write_onnx(
    network: Network, state: Mapping[str, Tensor], path: Path, options: GraphOptions, progress: Progress = silent
) -> Path:
    """Write weights as one ONNX file with the names of `network.inputs` and `network.outputs`, checked and stamped.

    Args:
        network: the weights' network.
        state: the weights.
        path: where to.
        options: how.
        progress: called with what is done next.

    Returns:
        `path`; nothing is left there when something fails.

    Raises:
        ExportError: the weights do not fit.
    """
    steps = Steps(progress, "making the file", len(TORCHS_STEPS) + 3)
    # What torch loads before its first step takes a while, too.
    steps.begin("building the network")
    module = network.deployed(loaded(network, state), options.identity_map).eval()
    parts = traced(module, network, options.batch, steps.begin)
    steps.begin("simplifying it")
    parts = simplified(parts)
    _stamp(parts.light, network, options)
    onnx.checker.check_model(parts.light, full_check=True)
    steps.begin("writing it")
    unfinished = beside(path, PART)
    write_parts(parts, unfinished, may_be_apart=options.may_be_apart)
    return unfinished.replace(path)


def traced(
    module: nn.Module, network: Network, batch: int | None, begin: Callable[[str], None] = lambda _: None
) -> Parts:
    """Trace a deployed module, fp32 or not, into an ONNX graph.

    The batch's axis is called `batch` where it is free. `begin` is called with each step that torch begins.
    """
    arguments = example(seeded_inputs(network, 0, batch or TRACED_BATCH), network)
    free = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    # It says at each export that torchvision, which nothing here needs, is not there.
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    with warnings.catch_warnings(), told(begin):
        # The exporter warns about its own deprecated parts.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            arguments,
            input_names=[port.name for port in network.inputs],
            output_names=[port.name for port in network.outputs],
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            dynamic_shapes=None if batch else [{0: free} if port.has_batch else {} for port in network.inputs],
            # It is heard by `told`.
            verbose=True,
        )
    return parts_of_program(program)


def simplified(parts: Parts) -> Parts:
    """Fold what is constant and drop what is unused; weights are not looked at.

    Raises:
        ExportError: the graph is not the same to its users, or lost the epsilon of a norm.
    """
    before = _promises(parts)
    # Its patterns multiply weights into each other and stumble over those that are inputs here; the tracer has folded
    # the norms into the convolutions before.
    light = cast("Any", onnxslim).slim(parts.light, skip_optimizations=["graph_fusion"])
    smaller = Parts(cast("onnx.ModelProto", light), parts.weights)
    after = _promises(smaller)
    if before != after:
        raise ExportError(f"Simplifying should keep ports and the norms' epsilons, {before}, but they became {after}.")
    return smaller


def _promises(parts: Parts) -> tuple[list[str], list[str], float]:
    epsilons = [one.f for node in parts.light.graph.node for one in node.attribute if one.name == "epsilon"]
    return parts.inputs, [one.name for one in parts.light.graph.output], min(epsilons, default=1.0)


def _stamp(model: onnx.ModelProto, network: Network, options: GraphOptions) -> None:
    spec = network.spec(has_map=options.needs_no_map or options.identity_map is not None)
    stamps = {
        STAMP: stamp_of(spec),
        **({} if options.terms is None else {LICENCE_STAMP: json.dumps(asdict(options.terms))}),
        "mien.torch": torch.__version__,
        "mien.onnx": onnx.__version__,
        **options.stamps,
    }
    model.producer_name = "mien-export"
    del model.metadata_props[:]
    for key, value in stamps.items():
        model.metadata_props.add(key=key, value=value)
    for node in model.graph.node:
        # The exporter writes into every node where in which source file it came from.
        del node.metadata_props[:]
        node.doc_string = ""
