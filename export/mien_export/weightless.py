"""A graph without its weights: what looks at nodes and shapes alone need not copy half a gigabyte."""

from typing import Final

import onnx
from onnx import ModelProto, TensorProto, helper

_SMALL: Final = 4096
"""Constants of up to so many numbers stay: shapes, axes and epsilons are among them."""


def weightless(model: ModelProto) -> ModelProto:
    """Copy a graph with its large constants as inputs."""
    copy = ModelProto()
    for field, value in model.ListFields():
        if field.name != "graph":
            _take(copy, field.name, value)
    graph = copy.graph
    graph.name = model.graph.name
    graph.node.extend(model.graph.node)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    graph.value_info.extend(model.graph.value_info)
    for one in model.graph.initializer:
        if is_large(one):
            graph.input.append(helper.make_tensor_value_info(one.name, one.data_type, list(one.dims)))
        else:
            graph.initializer.append(one)
    return copy


def with_weights(light: ModelProto, model: ModelProto) -> ModelProto:
    """Put the large constants of `model` back into what came of its weightless copy, as far as they are used."""
    large = {one.name: one for one in model.graph.initializer if is_large(one)}
    used = {name for node in light.graph.node for name in node.input}
    kept = [one for one in light.graph.input if one.name not in large]
    del light.graph.input[:]
    light.graph.input.extend(kept)
    light.graph.initializer.extend(one for name, one in large.items() if name in used)
    return light


def inferred(model: ModelProto) -> ModelProto:
    """Infer the shapes and types of a graph's tensors, in a copy without weights."""
    return onnx.shape_inference.infer_shapes(weightless(model))


def is_large(constant: TensorProto) -> bool:
    """Whether a constant is a weight and no shape or epsilon."""
    size = 1
    for side in constant.dims:
        size *= side
    return size > _SMALL


def _take(copy: ModelProto, name: str, value: object) -> None:
    if isinstance(value, str | int | bytes):
        setattr(copy, name, value)
    else:
        getattr(copy, name).extend(value)
