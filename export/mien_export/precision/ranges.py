"""How large the numbers inside a graph become."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

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
    inferred = onnx.shape_inference.infer_shapes(model).graph
    types = {one.name: one.type.tensor_type.elem_type for one in [*inferred.value_info, *inferred.output]}
    return {name: types[name] for node in model.graph.node for name in node.output if name in types}


def measure_ranges(
    model: ModelProto, runs: Sequence[Mapping[str, NDArray[Any]]], wanted: Sequence[str]
) -> dict[str, Range]:
    """Run a graph and look at tensors inside it.

    Args:
        model: as it will be deployed.
        runs: what goes in, run by run.
        wanted: names of tensors that nodes make.
    """
    found = dict.fromkeys(wanted, Range(0.0))
    for first in range(0, len(wanted), _AT_ONCE):
        some = list(wanted[first : first + _AT_ONCE])
        session = _opened(model, some)
        for feeds in runs:
            for name, numbers in zip(some, session.run(some, dict(feeds)), strict=True):
                found[name] = found[name].widened(numbers)
    return found


def _opened(model: ModelProto, names: Sequence[str]) -> Any:  # noqa: ANN401 - a session without types
    shown = ModelProto()
    shown.CopyFrom(model)
    given = {one.name for one in shown.graph.output}
    types = typed_tensors(model)
    added = [onnx.helper.make_tensor_value_info(name, types[name], None) for name in names if name not in given]
    shown.graph.output.extend(added)
    # Optimised, nodes would run together and in full precision, and what is asked for would not be what is deployed.
    options = cast("Any", onnxruntime).SessionOptions()
    options.graph_optimization_level = cast("Any", onnxruntime).GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return cast("Any", onnxruntime).InferenceSession(
        shown.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
