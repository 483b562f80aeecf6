"""A graph without its weights: what looks at nodes and shapes alone need not copy half a gigabyte."""

import math
import mmap
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Final

import onnx
from onnx import ModelProto, helper

from mien_models.onnx_format.wire import header, message, spans

_SMALL: Final = 4096
"""Constants of up to so many numbers stay: shapes, axes and epsilons are among them."""
# onnx.proto3: ModelProto.graph, GraphProto.initializer, TensorProto.raw_data.
_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9


def read_weightless(path: Path) -> ModelProto:
    """Read a file without the numbers of its large constants, whose names, types and shapes stay.

    Raises:
        OSError, ValueError, IndexError, DecodeError: it cannot be read, or is damaged.
    """
    with path.open("rb") as file:
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    model: ModelProto = ModelProto.FromString(b"".join(_without_numbers(content)))
    return model


def weightless(model: ModelProto) -> ModelProto:
    """Copy a graph with its large constants as inputs."""
    copy = _without_graph(model)
    graph = copy.graph
    graph.name = model.graph.name
    graph.node.extend(model.graph.node)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    graph.value_info.extend(model.graph.value_info)
    for one in model.graph.initializer:
        if is_large(tuple(one.dims)):
            graph.input.append(helper.make_tensor_value_info(one.name, one.data_type, list(one.dims)))
        else:
            graph.initializer.append(one)
    return copy


def without_inputs(light: ModelProto, names: Container[str]) -> ModelProto:
    """Copy a graph without some of its inputs."""
    copy = ModelProto()
    copy.CopyFrom(light)
    kept = [one for one in light.graph.input if one.name not in names]
    del copy.graph.input[:]
    copy.graph.input.extend(kept)
    return copy


def inferred(model: ModelProto) -> ModelProto:
    """Infer the shapes and types of a graph's tensors, in a copy without weights."""
    return onnx.shape_inference.infer_shapes(weightless(model))


def is_large(dims: Sequence[int]) -> bool:
    """Whether a constant of this shape is a weight and no shape or epsilon."""
    return math.prod(dims) > _SMALL


def _without_graph(model: ModelProto) -> ModelProto:
    copy = ModelProto()
    for field, value in model.ListFields():
        if field.name == "graph":
            continue
        if isinstance(value, str | int | bytes):
            setattr(copy, field.name, value)
        else:
            getattr(copy, field.name).extend(value)
    return copy


def _without_numbers(content: memoryview) -> Iterator[bytes]:
    for number, value, span in spans(content):
        if number != _GRAPH:
            yield bytes(span)
            continue
        graph = b"".join(_without_raw(*one) for one in spans(message(value)))
        yield header(_GRAPH, len(graph)) + graph


def _without_raw(number: int, value: int | memoryview, span: memoryview) -> bytes:
    """Give a field of a graph; a large constant without its numbers."""
    if number != _INITIALIZER or len(span) <= _SMALL:
        return bytes(span)
    kept = b"".join(bytes(part) for field, _, part in spans(message(value)) if field != _RAW_DATA)
    return header(_INITIALIZER, len(kept)) + kept
