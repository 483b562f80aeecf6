"""An ONNX file in full precision becomes one in half, and says of itself which nodes were left out and why."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Literal

import onnx
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from mien_export.precision.halving import in_half, name_nodes
from mien_export.precision.islands import Island, find_islands
from mien_export.precision.ranges import FLOATS, measure_ranges, typed_tensors
from mien_export.streaming import parts_of_model, write_parts
from mien_export.weightless import weightless
from mien_models.system.json_text import json_value

Precision = Literal["fp32", "fp16", "mixed"]
PRECISIONS: Final[tuple[Precision, ...]] = ("fp32", "fp16", "mixed")
ISLANDS_STAMP: Final = "mien.islands"
PRECISION_STAMP: Final = "mien.precision"


def lower(path: Path, precision: Precision, runs: Sequence[Mapping[str, NDArray[Any]]]) -> tuple[Island, ...]:
    """Rewrite a file in another precision.

    Args:
        path: in full precision.
        precision: 'fp16' for every node, 'mixed' leaves out those that `find_islands` names.
        runs: what goes in, run by run; their numbers inside decide what is left out.

    Returns:
        The nodes that stay in full precision.
    """
    if precision == "fp32":
        return ()
    model = onnx.load(str(path))
    name_nodes(model)
    islands: tuple[Island, ...] = ()
    if precision == "mixed":
        floats = {name: kind for name, kind in typed_tensors(model).items() if kind in FLOATS}
        islands = find_islands(model, measure_ranges(model, runs, floats))
    half = in_half(model, (one.node for one in islands))
    for key, text in ((PRECISION_STAMP, precision), (ISLANDS_STAMP, json.dumps([asdict(one) for one in islands]))):
        half.metadata_props.add(key=key, value=text)
    onnx.checker.check_model(weightless(half), full_check=True)
    write_parts(parts_of_model(half), path)
    return islands


def islands_of(model: ModelProto) -> tuple[Island, ...]:
    """Read which nodes a file says were left in full precision."""
    told = next((one.value for one in model.metadata_props if one.key == ISLANDS_STAMP), "[]")
    try:
        return tuple(Island(**one) for one in json_value(told))
    except (ValueError, TypeError):
        return ()  # not written by Mien: it says of no node that it may be in full precision


def summary(islands: Iterable[Island], nodes: int) -> list[str]:
    """Tell the islands in lines, those of one reason together."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for one in islands:
        by_reason.setdefault((one.op, one.why), []).append(one.node)
    count = sum(len(names) for names in by_reason.values())
    lines = [f"{count} of {nodes} nodes in full precision"] if count else []
    for (op, why), names in by_reason.items():
        lines.append(f"  {op} {names[0]}{f' and {len(names) - 1} like it' if len(names) > 1 else ''}: {why}")
    return lines


def is_half(model: ModelProto) -> bool:
    """Whether weights stand in a file in half precision."""
    return any(one.data_type == TensorProto.FLOAT16 for one in model.graph.initializer)
