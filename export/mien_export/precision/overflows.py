"""What breaks a file in half precision on a graphics card, and not on the processor, which computes in full."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from mien_export.precision.islands import LARGEST_HALF, SMALLEST_HALF, SQUARING, epsilon_of
from mien_export.precision.ranges import measure_ranges, typed_tensors

_LARGEST_SQUARED: Final = 250.0
"""The root of the largest half is 256."""


def half_faults(model: ModelProto, runs: Sequence[Mapping[str, NDArray[Any]]]) -> tuple[str, ...]:
    """Look inside a file in half precision while it runs.

    A norm whose squares overflow gives zeros there, which are numbers like others; and an overflow in the middle may
    come out as a picture.

    Args:
        model: the file.
        runs: what goes in, run by run.

    Returns:
        In words what is wrong, node by node.
    """
    types = typed_tensors(model)
    halves = {name: kind for name, kind in types.items() if kind == TensorProto.FLOAT16}
    ranges = measure_ranges(model, runs, halves)
    makers = {name: node for node in model.graph.node for name in node.output}
    told = [
        f"{makers[name].op_type} {makers[name].name!r} overflows in half precision; export with --precision mixed"
        for name in halves
        if ranges[name].largest >= LARGEST_HALF
    ]
    for node in model.graph.node:
        if node.op_type not in SQUARING or types.get(node.input[0]) != TensorProto.FLOAT16:
            continue
        epsilon, largest = epsilon_of(node), ranges[node.input[0]].largest
        if epsilon is not None and epsilon < SMALLEST_HALF:
            told.append(
                f"{node.op_type} {node.name!r} has the epsilon {epsilon:.0e}, which is zero in half precision; "
                "export with --precision mixed"
            )
        elif largest > _LARGEST_SQUARED:
            told.append(
                f"{node.op_type} {node.name!r} squares numbers up to {largest:.3g} in half precision, above "
                "256 they overflow; export with --precision mixed"
            )
    return tuple(told)
