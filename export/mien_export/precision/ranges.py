"""How large the numbers inside a graph become."""

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from mien_export.streaming import parts_of_model, write_parts
from mien_export.weightless import inferred
from mien_models.runtimes.ort.library import onnxruntime

FLOATS: Final = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16})
_AT_ONCE: Final = 48
"""Tensors that one run keeps; all of a large network's would need gigabytes."""


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers of one tensor in all runs."""

    largest: float
    """Absolute; infinite where something was no number."""

    def widened(self, numbers: NDArray[Any]) -> "Range":
        """Take one more run into account."""
        largest = float(np.abs(numbers.astype(np.float32)).max()) if numbers.size else 0.0
        return Range(max(self.largest, largest) if math.isfinite(largest) else math.inf)


def typed_tensors(model: ModelProto) -> dict[str, int]:
    """Give the element type of each tensor that a node makes, as ONNX infers it."""
    graph = inferred(model).graph
    types = {one.name: one.type.tensor_type.elem_type for one in [*graph.value_info, *graph.output]}
    return {name: types[name] for node in model.graph.node for name in node.output if name in types}


def measure_ranges(
    model: ModelProto, runs: Sequence[Mapping[str, NDArray[Any]]], wanted: Mapping[str, int]
) -> dict[str, Range]:
    """Run a graph and look at tensors inside it.

    Args:
        model: as it will be deployed.
        runs: what goes in, run by run.
        wanted: tensors that nodes make, with their element types; see `typed_tensors`.
    """
    found, names = dict.fromkeys(wanted, Range(0.0)), list(wanted)
    session = _opened(model, wanted)
    for first in range(0, len(names), _AT_ONCE):
        some = names[first : first + _AT_ONCE]
        for feeds in runs:
            for name, numbers in zip(some, session.run(some, dict(feeds)), strict=True):
                found[name] = found[name].widened(numbers)
    return found


def _opened(model: ModelProto, wanted: Mapping[str, int]) -> Any:  # noqa: ANN401 - a session without types
    """Open it with every wanted tensor as an output; the model is as before when this returns."""
    given = [one.name for one in model.graph.output]
    added = [helper.make_tensor_value_info(name, kind, None) for name, kind in wanted.items() if name not in given]
    model.graph.output.extend(added)
    # Optimised, nodes would run together and in full precision, and what is asked for would not be what is deployed.
    options = cast("Any", onnxruntime).SessionOptions()
    options.graph_optimization_level = cast("Any", onnxruntime).GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    try:
        # By way of a file: in memory the weights would be there three times.
        with tempfile.TemporaryDirectory(prefix="mien-ranges-") as folder:
            path = Path(folder) / "shown.onnx"
            write_parts(parts_of_model(model), path, may_be_apart=True)
            return cast("Any", onnxruntime).InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    finally:
        del model.graph.output[len(given) :]
