"""What stands in an ONNX file, read without running it: names, shapes and constants.

ONNX Runtime tells a network's inputs and outputs, but throws away constants that no node uses, and one of them is
inswapper's identity map. The format is protocol buffers (onnx.proto3; field numbers below are its own), of which a
reader needs only the wire format: a number that holds field and kind, then a varint, 4 or 8 bytes, or a length and so
many bytes.
"""

import struct
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_LONGEST_VARINT: Final = 10
_MOST_DIMENSIONS: Final = 16
_ELEMENTS: Final[Mapping[int, type[np.generic]]] = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    10: np.float16,
    11: np.float64,
}
"""TensorProto.DataType; others are read as bytes."""


@dataclass(frozen=True, slots=True)
class ArrayInfo:
    """One input or output."""

    shape: tuple[int, ...]
    """-1 where a side is free."""
    kind: type[np.generic] | None
    """None for a type that Mien does not know."""


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """An array that stands in the file."""

    name: str
    shape: tuple[int, ...]
    kind: type[np.generic] | None
    _raw: memoryview
    _floats: memoryview

    def read(self) -> NDArray[np.float32]:
        """Give its numbers as float32, a copy.

        Raises:
            ModelError: it is of another type than float32 or float16, or its numbers do not fill its shape.
        """
        bits = self.kind if self.kind in {np.float32, np.float16} else None
        content = self._raw if len(self._raw) else self._floats
        if bits is None or len(content) != prod(self.shape) * np.dtype(bits).itemsize:
            raise ModelError(
                f"The constant {self.name!r} should be {self.shape} of 16 or 32 bits, but its numbers do not fill that."
            )
        little = np.dtype(bits).newbyteorder("<")
        return np.frombuffer(content, little).reshape(self.shape).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class GraphDescription:
    """What a file says of its network."""

    inputs: Mapping[str, ArrayInfo]
    """In the file's order, without constants."""
    outputs: Mapping[str, ArrayInfo]
    constants: Mapping[str, Constant]
    operators: Mapping[str, int]
    """How often each operator is used."""
    stamps: Mapping[str, str] = field(default_factory=dict[str, str])
    """The file's metadata."""

    def has_constant(self, *shape: int) -> bool:
        """Say whether a constant has this shape, or its transpose where it has two sides."""
        shapes = {constant.shape for constant in self.constants.values()}
        return shape in shapes or (len(shape) == 2 and shape[::-1] in shapes)

    def square(self, name: str, channels: int = 3) -> int | None:
        """Give the side of an NCHW input or output of so many channels: -1 free, None no such."""
        info = self.inputs.get(name) or self.outputs.get(name)
        if info is None or len(info.shape) != 4:
            return None
        _, found, height, width = info.shape
        return height if found == channels and height == width else None

    def vector(self, name: str) -> int | None:
        """Give the length of an input or output (1, n), None where it is no such."""
        info = self.inputs.get(name) or self.outputs.get(name)
        return info.shape[1] if info is not None and len(info.shape) == 2 else None


def read_graph(content: bytes, name: str) -> GraphDescription:
    """Read what a file says of its network.

    Args:
        content: of the file; the description keeps it alive.
        name: what to call it in messages.

    Raises:
        ModelError: it is no ONNX file, or it is cut off.
    """
    try:
        return _graph(memoryview(content))
    except (ValueError, IndexError, struct.error, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(
            f"{name!r} should be an ONNX network, but is damaged or something else. Export or download it again."
        ) from error


def _graph(content: memoryview) -> GraphDescription:
    graph, stamps = memoryview(b""), dict[str, str]()
    for number, value in _fields(content):
        if number == 7:
            graph = _bytes(value)
        elif number == 14:
            key, text = _pair(_bytes(value))
            stamps[key] = text
    constants: dict[str, Constant] = {}
    operators: Counter[str] = Counter()
    inputs: dict[str, ArrayInfo] = {}
    outputs: dict[str, ArrayInfo] = {}
    for number, value in _fields(graph):
        if number == 1:
            operators[_operator(_bytes(value))] += 1
        elif number == 5:
            constant = _constant(_bytes(value))
            constants[constant.name] = constant
        elif number in {11, 12}:
            name, info = _array(_bytes(value))
            (inputs if number == 11 else outputs)[name] = info
    inputs = {name: info for name, info in inputs.items() if name not in constants}
    if not inputs or not outputs:
        raise ValueError("no inputs or outputs")
    return GraphDescription(inputs, outputs, constants, dict(operators), stamps)


def _fields(content: memoryview) -> Generator[tuple[int, "int | memoryview"], None, None]:
    """Go through one message: each field's number, and its value or its bytes."""
    at, end = 0, len(content)
    while at < end:
        key, at = _varint(content, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(content, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(content, at)
        elif kind in {_EIGHT, _FOUR}:
            size = 8 if kind == _EIGHT else 4
        else:
            raise ValueError("unknown kind of field")
        if size > end - at:
            raise ValueError("cut off")
        yield key >> 3, content[at : at + size]
        at += size


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = content[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a number too long")


def _bytes(value: "int | memoryview") -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message was expected")  # noqa: TRY004 - damaged content, not a wrong call
    return value


def _text(value: "int | memoryview") -> str:
    return bytes(_bytes(value)).decode("utf-8")


def _pair(content: memoryview) -> tuple[str, str]:
    texts = {number: _text(value) for number, value in _fields(content) if number in {1, 2}}
    return texts.get(1, ""), texts.get(2, "")


def _operator(content: memoryview) -> str:
    return next((_text(value) for number, value in _fields(content) if number == 4), "")


def _constant(content: memoryview) -> Constant:
    shape: list[int] = []
    name, kind = "", 0
    raw = floats = memoryview(b"")
    for number, value in _fields(content):
        if number == 1:
            shape += [value] if isinstance(value, int) else _packed(value)
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number == 4:
            floats = _bytes(value)
        elif number == 8:
            name = _text(value)
        elif number == 9:
            raw = _bytes(value)
        if len(shape) > _MOST_DIMENSIONS:
            raise ValueError("too many dimensions")
    return Constant(name, tuple(shape), _ELEMENTS.get(kind), raw, floats)


def _packed(content: memoryview) -> list[int]:
    numbers: list[int] = []
    at = 0
    while at < len(content) and len(numbers) <= _MOST_DIMENSIONS:
        number, at = _varint(content, at)
        numbers.append(number)
    return numbers


def _array(content: memoryview) -> tuple[str, ArrayInfo]:
    """Read a ValueInfoProto."""
    name, info = "", ArrayInfo((), None)
    for number, value in _fields(content):
        if number == 1:
            name = _text(value)
        elif number == 2:
            for inner, tensor in _fields(_bytes(value)):
                if inner == 1:
                    info = _tensor_type(_bytes(tensor))
    return name, info


def _tensor_type(content: memoryview) -> ArrayInfo:
    kind, shape = 0, list[int]()
    for number, value in _fields(content):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2:
            for inner, dimension in _fields(_bytes(value)):
                if inner == 1:
                    sides = [side for at, side in _fields(_bytes(dimension)) if at == 1 and isinstance(side, int)]
                    shape.append(sides[0] if sides else -1)
    return ArrayInfo(tuple(shape), _ELEMENTS.get(kind))
