"""An ONNX file written from a graph and weights that stay where they are: none is copied into the graph first."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, cast

from onnx import ModelProto, TensorProto

from mien_export.weightless import is_large, weightless, without_inputs
from mien_models.errors import MienError

# onnx.proto3: ModelProto.graph, GraphProto.initializer, TensorProto.raw_data.
_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9
_MOST_BYTES: Final = 2**31 - 1
"""What one file of protocol buffers may hold."""


class TooLargeError(MienError):
    """A graph that one file cannot hold."""


class Weight(Protocol):
    """The numbers of one constant."""

    @property
    def nbytes(self) -> int:
        """How long `tobytes` is."""
        ...

    def tobytes(self) -> bytes:
        """Give them as they stand in a file."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A graph and its weights beside each other."""

    light: ModelProto
    """The graph; each of `weights` is one of its inputs."""
    weights: Mapping[str, Weight]

    @property
    def inputs(self) -> list[str]:
        """What the graph takes, without its weights."""
        return [one.name for one in self.light.graph.input if one.name not in self.weights]


def parts_of_program(program: Any) -> Parts:  # noqa: ANN401 - torch's ONNXProgram has no types here
    """Take what `torch.onnx.export` gave apart; its weights are the module's own."""
    import onnx_ir

    model: Any = program.model
    graph: Any = model.graph
    weights: dict[str, Weight] = {}
    for name, value in list(graph.initializers.items()):
        tensor = value.const_value
        if is_large(tuple(tensor.shape.numpy())):
            weights[name] = tensor
            del graph.initializers[name]
            graph.inputs.append(value)
    return Parts(cast("ModelProto", cast("Any", onnx_ir).to_proto(model)), weights)


def parts_of_model(model: ModelProto) -> Parts:
    """Take a graph in memory apart; its weights stay in it."""
    weights = {one.name: _Raw(one) for one in model.graph.initializer if is_large(tuple(one.dims))}
    return Parts(weightless(model), weights)


@dataclass(frozen=True, slots=True, eq=False)
class _Raw:
    """A constant of a graph in memory."""

    tensor: TensorProto

    @property
    def nbytes(self) -> int:
        return len(self.tobytes())

    def tobytes(self) -> bytes:
        from onnx import numpy_helper

        return self.tensor.raw_data or numpy_helper.to_array(self.tensor).tobytes()


def write_parts(parts: Parts, path: Path) -> None:
    """Write one file of a graph and those of its weights that its nodes take.

    Raises:
        TooLargeError: it is larger than one file of protocol buffers may be.
    """
    used = {name for node in parts.light.graph.node for name in node.input}
    heads = {
        one.name: TensorProto(
            name=one.name,
            data_type=one.type.tensor_type.elem_type,
            dims=[axis.dim_value for axis in one.type.tensor_type.shape.dim],
        ).SerializeToString()
        for one in parts.light.graph.input
        if one.name in parts.weights and one.name in used
    }
    plain = without_inputs(parts.light, parts.weights)
    graph = plain.graph.SerializeToString()
    plain.ClearField("graph")
    beginnings = {name: head + _field(_RAW_DATA, parts.weights[name].nbytes) for name, head in heads.items()}
    lengths = {name: len(one) + parts.weights[name].nbytes for name, one in beginnings.items()}
    framed = {name: _field(_INITIALIZER, lengths[name]) + one for name, one in beginnings.items()}
    whole = len(graph) + sum(len(one) + parts.weights[name].nbytes for name, one in framed.items())
    if whole > _MOST_BYTES:
        raise TooLargeError(
            f"The graph should fit into one file of 2 GB, but has {whole / 1e9:.1f} GB; give --precision mixed."
        )
    with path.open("wb") as file:
        file.write(plain.SerializeToString() + _field(_GRAPH, whole) + graph)
        for name, one in framed.items():
            file.write(one)
            file.write(parts.weights[name].tobytes())


def _field(number: int, length: int) -> bytes:
    """Write the tag of a field that holds so many bytes, and their number."""
    return _varint(number << 3 | 2) + _varint(length)


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)
