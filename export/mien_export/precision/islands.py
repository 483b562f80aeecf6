"""Which nodes have to stay in full precision: found from measured numbers, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from mien_export.precision.ranges import Range

LARGEST_HALF: Final = 65504.0
SMALLEST_HALF: Final = 2.0**-24
"""Half of it and less becomes zero."""
SMALLEST_NORMAL: Final = 2.0**-14
"""Below, numbers of half precision lose digits."""
HEADROOM: Final = 8.0
"""Other faces may make numbers so many times as large."""
LARGEST_SQUARED: Final = 128.0
"""What is squared inside a node overflows above 255; half of that leaves room for other faces."""
SQUARING: Final = frozenset(
    {"InstanceNormalization", "LayerNormalization", "GroupNormalization", "ReduceL2", "ReduceSumSquare"}
)
"""Nodes that square their input before they sum it up: the square is in no tensor that could be measured."""


@dataclass(frozen=True, slots=True)
class Island:
    """A node that stays in full precision."""

    node: str
    op: str
    why: str


@dataclass(frozen=True, slots=True)
class _Constant:
    """Of the graph: its largest number, absolute, and how many there are."""

    largest: float
    size: int


def find_islands(model: ModelProto, ranges: Mapping[str, Range]) -> tuple[Island, ...]:
    """Find every node that half precision would break.

    Args:
        model: in full precision; every node has a name of its own.
        ranges: of the tensors between nodes, on real faces.
    """
    constants = {
        one.name: _Constant(float(np.abs(numbers).max()), numbers.size)
        for one in model.graph.initializer
        if one.data_type == TensorProto.FLOAT and (numbers := numpy_helper.to_array(one)).size
    }
    found: list[Island] = []
    for node in model.graph.node:
        reasons = [*_of_ranges(node, ranges), *_of_constants(node, constants), *_of_norm(node, ranges)]
        if reasons:
            found.append(Island(node.name, node.op_type, reasons[0]))
    return tuple(found)


def epsilon_of(node: NodeProto) -> float | None:
    """Give a norm's epsilon, if it has one."""
    return next((float(one.f) for one in node.attribute if one.name == "epsilon"), None)


def _of_ranges(node: NodeProto, ranges: Mapping[str, Range]) -> list[str]:
    told: list[str] = []
    for name in [*node.output, *node.input]:
        largest = ranges[name].largest if name in ranges else 1.0
        if largest > LARGEST_HALF / HEADROOM:
            told.append(f"numbers up to {largest:.3g}, where half precision ends at 65504")
        elif 0 < largest < SMALLEST_NORMAL:
            told.append(f"numbers no larger than {largest:.2g}, which half precision rounds away")
    return told


def _of_constants(node: NodeProto, constants: Mapping[str, _Constant]) -> list[str]:
    told: list[str] = []
    for one in [constants[name] for name in node.input if name in constants]:
        if 0 < one.largest <= SMALLEST_HALF / 2 or (one.size == 1 and 0 < one.largest < SMALLEST_NORMAL):
            told.append(f"its constant {one.largest:.2g} is zero or nearly so in half precision")
        elif one.largest > LARGEST_HALF:
            told.append(f"its weights reach {one.largest:.3g}, where half precision ends at 65504")
    return told


def _of_norm(node: NodeProto, ranges: Mapping[str, Range]) -> list[str]:
    if node.op_type not in SQUARING:
        return []
    epsilon = epsilon_of(node)
    if epsilon is not None and epsilon < SMALLEST_HALF:
        return [f"its epsilon {epsilon:.0e} is zero in half precision, and a flat channel is divided by it"]
    largest = ranges[node.input[0]].largest if node.input[0] in ranges else 0.0
    if largest > LARGEST_SQUARED:
        return [f"it squares numbers up to {largest:.3g}, and squares above 255 overflow"]
    return []
