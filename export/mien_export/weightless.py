"""A graph without its weights: what looks at nodes and shapes alone need not copy half a gigabyte."""

import math
from collections.abc import Container, Sequence
from typing import Final

import onnx
from onnx import ModelProto, helper

_SMALL: Final = 4096
"""Constants of up to so many numbers stay: shapes, axes and epsilons are among them."""


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
