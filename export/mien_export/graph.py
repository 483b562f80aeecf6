"""From weights to one ONNX file that says of itself what it is."""

import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import onnx
import onnxslim
import torch
from torch import Tensor, nn

from mien_export.contracts import Network
from mien_export.seeded import LAST_COUNTER, example, seeded_inputs
from mien_export.weightless import weightless, with_weights
from mien_models.atomic_write import PART, beside
from mien_models.errors import MienError
from mien_models.family import LICENCE_STAMP, STAMP, UNKNOWN_TERMS, stamp_of
from mien_models.spec import Terms

OPSET: Final = 20
LARGEST_BATCH: Final = 64
TRACED_BATCH: Final = 2
"""Tracing with one picture would make every sum over the batch a constant."""


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
    terms: Terms = UNKNOWN_TERMS
    stamps: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further metadata: the source's sha256, its name."""


def loaded(network: Network, state: Mapping[str, Tensor]) -> nn.Module:
    """Build the bare module with these weights.

    Raises:
        ExportError: keys are missing or left over, all of which the message lists, or a shape differs.
    """
    core = network.build()
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
    told = "; ".join(f"{what}: {', '.join(keys)}" for what, keys in problems.items() if keys)
    if told:
        raise ExportError(f"The checkpoint should have the keys of {network}, but there are some {told}.")
    core.load_state_dict({key: state[key] for key in expected}, strict=False)
    return core.eval().requires_grad_(requires_grad=False)


def write_onnx(network: Network, state: Mapping[str, Tensor], path: Path, options: GraphOptions) -> Path:
    """Write weights as one ONNX file with the names of `network.inputs` and `network.outputs`, checked and stamped.

    Returns:
        `path`; nothing is left there when something fails.

    Raises:
        ExportError: the weights do not fit.
    """
    module = network.deployed(loaded(network, state), options.identity_map).eval()
    model = simplified(traced(module, network, options.batch))
    _stamp(model, network, options)
    onnx.checker.check_model(weightless(model), full_check=True)
    unfinished = beside(path, PART)
    onnx.save(model, str(unfinished))
    return unfinished.replace(path)


def traced(module: nn.Module, network: Network, batch: int | None) -> onnx.ModelProto:
    """Trace a deployed module, fp32 or not, into an ONNX graph.

    The batch's axis is called `batch` where it is free.
    """
    arguments = example(seeded_inputs(network, 0, batch or TRACED_BATCH), network)
    free = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    # It says at each export that torchvision, which nothing here needs, is not there.
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    with warnings.catch_warnings():
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
            verbose=False,
        )
    return program.model_proto


def simplified(model: onnx.ModelProto) -> onnx.ModelProto:
    """Fold what is constant and drop what is unused.

    Raises:
        ExportError: the graph is not the same to its users, or lost the epsilon of a norm.
    """
    before = _promises(model)
    light = cast("onnx.ModelProto", cast("Any", onnxslim).slim(weightless(model)))
    smaller = with_weights(light, model)
    after = _promises(smaller)
    if before != after:
        raise ExportError(f"Simplifying should keep ports and the norms' epsilons, {before}, but they became {after}.")
    return smaller


def _promises(model: onnx.ModelProto) -> tuple[list[str], list[str], float]:
    epsilons = [one.f for node in model.graph.node for one in node.attribute if one.name == "epsilon"]
    ports = [one.name for one in model.graph.input], [one.name for one in model.graph.output]
    return *ports, min(epsilons, default=1.0)


def _stamp(model: onnx.ModelProto, network: Network, options: GraphOptions) -> None:
    spec = network.spec(has_map=options.needs_no_map or options.identity_map is not None)
    stamps = {
        STAMP: stamp_of(spec),
        LICENCE_STAMP: json.dumps(asdict(options.terms)),
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
