"""A graph in full precision becomes one in half precision, but for its islands."""

from collections.abc import Iterable
from graphlib import TopologicalSorter
from typing import Any, Final, cast

from onnx import ModelProto, NodeProto, TensorProto
from onnxruntime.transformers import float16  # noqa: TID251 - a converter, which runs nothing

from mien_export.weightless import inferred

_SMALLEST: Final = 5.97e-08
"""The converter takes no number below the smallest half."""


def in_half(model: ModelProto, islands: Iterable[str]) -> ModelProto:
    """Convert a graph; what goes in and comes out stays float32.

    Args:
        model: in full precision; it is used up, so that the weights are not there twice.
        islands: names of the nodes that stay in full precision.
    """
    shapes = inferred(model).graph.value_info
    del model.graph.value_info[:]
    model.graph.value_info.extend(shapes)
    # No node is left out by its kind: the measured islands say it all.
    convert = cast("Any", float16).convert_float_to_float16
    half: ModelProto = convert(
        model,
        min_positive_val=_SMALLEST,
        keep_io_types=True,
        disable_shape_infer=True,
        op_block_list=[],
        node_block_list=sorted(islands),
    )
    _without_detours(half)
    _in_order(half)
    return half


def name_nodes(model: ModelProto) -> None:
    """Give each node a name of its own, by which an island is known."""
    seen: set[str] = set()
    for number, node in enumerate(model.graph.node):
        if not node.name or node.name in seen:
            node.name = f"{node.op_type}_{number}"
        seen.add(node.name)


def _without_detours(model: ModelProto) -> None:
    """Take out the way through half precision that the converter puts between two islands: there it would overflow."""
    graph = model.graph
    to_half = {node.output[0]: node.input[0] for node in graph.node if _casts_to(node, TensorProto.FLOAT16)}
    straight = {
        node.output[0]: to_half[node.input[0]]
        for node in graph.node
        if _casts_to(node, TensorProto.FLOAT) and node.input[0] in to_half
    }
    kept = {one.name for one in graph.output}
    for node in graph.node:
        node.input[:] = [straight.get(name, name) for name in node.input]
    # First the casts back, then the casts that only those had used.
    for _ in range(2):
        used = {name for node in graph.node for name in node.input} | kept
        for node in [one for one in graph.node if one.op_type == "Cast" and one.output[0] not in used]:
            graph.node.remove(node)


def _in_order(model: ModelProto) -> None:
    """Put each node behind those whose answers it takes: the converter adds its casts at the end."""
    nodes = {node.output[0]: node for node in model.graph.node}
    makers = {name: node.output[0] for node in model.graph.node for name in node.output}
    needs = {key: {makers[name] for name in node.input if name in makers} for key, node in nodes.items()}
    ordered = [_copied(nodes[key]) for key in TopologicalSorter(needs).static_order()]
    del model.graph.node[:]
    model.graph.node.extend(ordered)


def _copied(node: NodeProto) -> NodeProto:
    """Copy a node, so that it outlives its place in the graph."""
    copy = NodeProto()
    copy.CopyFrom(node)
    return copy


def _casts_to(node: NodeProto, kind: int) -> bool:
    return node.op_type == "Cast" and any(one.name == "to" and one.i == kind for one in node.attribute)
