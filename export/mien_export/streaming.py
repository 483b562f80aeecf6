"""An ONNX file written from a graph and weights that stay where they are: none is copied into the graph first."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, cast

from onnx import ModelProto, TensorProto, helper

from mien_export.weightless import is_large, weightless, without_inputs
from mien_models.errors import MienError

# onnx.proto3: ModelProto.graph, GraphProto.initializer, TensorProto.raw_data.
_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9
_MOST_BYTES: Final = 2**31 - 1
"""What one file of protocol buffers may hold."""
_FRAME: Final = 32
"""Tags and lengths of a weight and its numbers take no more bytes."""


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
            # The exporter's rules keep the last graph that they looked at for as long as the program runs.
            value.const_value = None
            del graph.initializers[name]
            graph.inputs.append(value)
    light = cast("ModelProto", cast("Any", onnx_ir).to_proto(model))
    for value in graph.initializers.values():
        # The smallest, too, holds the whole file that the checkpoint is mapped from.
        value.const_value = None
    return Parts(light, weights)


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
        # To ask protocol buffers for the bytes is to copy them.
        count: int = math.prod(self.tensor.dims)
        return count * int(helper.tensor_dtype_to_np_dtype(self.tensor.data_type).itemsize)

    def tobytes(self) -> bytes:
        from onnx import numpy_helper

        return self.tensor.raw_data or numpy_helper.to_array(self.tensor).tobytes()


def write_parts(parts: Parts, path: Path, *, may_be_apart: bool = False) -> None:
    """Write one file of a graph and those of its weights that its nodes take.

    Args:
        parts: what is written.
        path: where to.
        may_be_apart: write weights that one file cannot hold into `PATH.data` beside it, for what reads it next.

    Raises:
        TooLargeError: it is larger than one file of protocol buffers may be.
    """
    used = {name for node in parts.light.graph.node for name in node.input}
    taken = [one for one in parts.light.graph.input if one.name in parts.weights and one.name in used]
    tensors = {
        one.name: TensorProto(
            name=one.name,
            data_type=one.type.tensor_type.elem_type,
            dims=[axis.dim_value for axis in one.type.tensor_type.shape.dim],
        )
        for one in taken
    }
    plain = without_inputs(parts.light, parts.weights)
    held = plain.ByteSize() + sum(parts.weights[name].nbytes + one.ByteSize() + _FRAME for name, one in tensors.items())
    if held <= _MOST_BYTES:
        _write_whole(plain, tensors, parts.weights, path)
    elif may_be_apart:
        _write_apart(plain, tensors, parts.weights, path)
    else:
        raise TooLargeError(
            f"The network has {held / 1e9:.1f} GB in full precision, and one ONNX file holds no more than 2.1; "
            "give --precision mixed, which halves it."
        )


def _write_whole(
    plain: ModelProto, tensors: Mapping[str, TensorProto], weights: Mapping[str, Weight], path: Path
) -> None:
    graph = plain.graph.SerializeToString()
    plain.ClearField("graph")
    beginnings = {
        name: one.SerializeToString() + _field(_RAW_DATA, weights[name].nbytes) for name, one in tensors.items()
    }
    lengths = {name: len(one) + weights[name].nbytes for name, one in beginnings.items()}
    framed = {name: _field(_INITIALIZER, lengths[name]) + one for name, one in beginnings.items()}
    whole = len(graph) + sum(len(one) + weights[name].nbytes for name, one in framed.items())
    with path.open("wb") as file:
        file.write(plain.SerializeToString() + _field(_GRAPH, whole) + graph)
        for name, one in framed.items():
            file.write(one)
            file.write(weights[name].tobytes())


def _write_apart(
    plain: ModelProto, tensors: Mapping[str, TensorProto], weights: Mapping[str, Weight], path: Path
) -> None:
    beside = path.with_name(f"{path.name}.data")
    with beside.open("wb") as file:
        for name, tensor in tensors.items():
            tensor.data_location = TensorProto.EXTERNAL
            where = {"location": beside.name, "offset": file.tell(), "length": weights[name].nbytes}
            for key, value in where.items():
                tensor.external_data.add(key=key, value=str(value))
            file.write(weights[name].tobytes())
            plain.graph.initializer.append(tensor)
    path.write_bytes(plain.SerializeToString())


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
