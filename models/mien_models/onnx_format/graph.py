"""What stands in an ONNX file, read without running it: names, shapes and constants.

ONNX Runtime tells a network's inputs and outputs, but throws away constants that no node uses, and one of them is
inswapper's identity map. The format is protocol buffers; the field numbers below are those of onnx.proto3.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.onnx_format.wire import fields, message, packed, text_of

_MOST_DIMENSIONS: Final = 16
_PASSING: Final = frozenset({"Cast", "Identity"})
_MOST_STEPS: Final = 16
_USUAL_EPSILON: Final = 1e-5
"""Of a norm that names none, as the format has it."""
_NEGATIVE: Final = 1 << 63
"""From here on a varint stands for a number below zero."""
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
    taken: frozenset[str] = frozenset()
    """Names of the arrays that nodes take."""
    labels: tuple[str, ...] = ()
    """What its nodes are called: exporters write the modules there that they came from."""
    makers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of each output, the operator that makes its numbers."""
    epsilons: frozenset[float] = frozenset()
    """Of the batch norms that are left, each rounded to two digits."""

    def has_constant(self, *shape: int) -> bool:
        """Say whether a constant has this shape, or its transpose where it has two sides."""
        return self.count(*shape) > 0

    def count(self, *shape: int) -> int:
        """Say how many constants have this shape, or its transpose where it has two sides."""
        wanted = {shape, shape[::-1]} if len(shape) == 2 else {shape}
        return sum(constant.shape in wanted for constant in self.constants.values())

    def says(self, *words: str) -> bool:
        """Say whether any of these words stands in the name of a node or constant."""
        return any(word in label for label in (*self.labels, *self.constants) for word in words)

    def unused(self, *shape: int) -> tuple[Constant, ...]:
        """Give the constants of this shape that no node takes."""
        return tuple(one for one in self.constants.values() if one.shape == shape and one.name not in self.taken)

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
    except (ValueError, IndexError) as error:
        raise ModelError(
            f"{name!r} should be an ONNX network, but is damaged or something else. Export or download it again."
        ) from error


def _graph(content: memoryview) -> GraphDescription:
    graph, stamps = memoryview(b""), dict[str, str]()
    for number, value in fields(content):
        if number == 7:
            graph = message(value)
        elif number == 14:
            key, text = _pair(message(value))
            stamps[key] = text
    constants: dict[str, Constant] = {}
    operators: Counter[str] = Counter()
    taken: set[str] = set()
    labels: list[str] = []
    epsilons: set[float] = set()
    made: dict[str, _Node] = {}
    inputs: dict[str, ArrayInfo] = {}
    outputs: dict[str, ArrayInfo] = {}
    for number, value in fields(graph):
        if number == 1:
            node = _node(message(value))
            operators[node.operator] += 1
            taken.update(node.taken)
            labels.append(node.label)
            made |= dict.fromkeys(node.given, node)
            if node.operator == "BatchNormalization":
                epsilons.add(node.epsilon)
            if node.constant is not None:
                constants[node.constant.name] = node.constant
        elif number == 5:
            constant = _constant(message(value))
            constants[constant.name] = constant
        elif number in {11, 12}:
            name, info = _array(message(value))
            (inputs if number == 11 else outputs)[name] = info
    inputs = {name: info for name, info in inputs.items() if name not in constants}
    if not inputs or not outputs:
        raise ValueError("no inputs or outputs")
    names, makers, norms = frozenset(taken), _makers(outputs, made), frozenset(epsilons)
    return GraphDescription(inputs, outputs, constants, dict(operators), stamps, names, tuple(labels), makers, norms)


def _pair(content: memoryview) -> tuple[str, str]:
    texts = {number: text_of(value) for number, value in fields(content) if number in {1, 2}}
    return texts.get(1, ""), texts.get(2, "")


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    operator: str
    taken: tuple[str, ...]
    given: tuple[str, ...]
    label: str
    constant: Constant | None
    """The array that a node of the operator 'Constant' gives."""
    epsilon: float
    """Of a norm; what is usual where the node does not say."""


def _node(content: memoryview) -> _Node:
    """Read a NodeProto."""
    operator = label = ""
    taken, given = list[str](), list[str]()
    tensor: memoryview | None = None
    epsilon = _USUAL_EPSILON
    for number, value in fields(content):
        if number == 1:
            taken.append(text_of(value))
        elif number == 2:
            given.append(text_of(value))
        elif number == 3:
            label = text_of(value)
        elif number == 4:
            operator = text_of(value)
        elif number == 5:
            tensor = _attributed_tensor(message(value)) if tensor is None else tensor
            epsilon = _attributed_epsilon(message(value)) or epsilon
    is_constant = operator == "Constant" and tensor is not None
    constant = replace(_constant(tensor), name=given[0]) if is_constant and given and tensor is not None else None
    return _Node(operator, tuple(taken), tuple(given), label, constant, epsilon)


def _makers(outputs: Iterable[str], made: Mapping[str, _Node]) -> dict[str, str]:
    """Find what makes each output, behind nodes that only pass it on."""
    found: dict[str, str] = {}
    for name in outputs:
        node, steps = made.get(name), 0
        while node is not None and node.operator in _PASSING and node.taken and steps < _MOST_STEPS:
            node, steps = made.get(node.taken[0]), steps + 1
        found[name] = "" if node is None else node.operator
    return found


def _attributed_tensor(content: memoryview) -> memoryview | None:
    """Give the tensor of an AttributeProto, if it is one."""
    return next((message(value) for number, value in fields(content) if number == 5), None)


def _attributed_epsilon(content: memoryview) -> float | None:
    """Give the number of an AttributeProto that is called an epsilon, as people write it."""
    name, number = "", memoryview(b"")
    for field_number, value in fields(content):
        if field_number == 1:
            name = text_of(value)
        elif field_number == 2:
            number = message(value)
    is_one = name == "epsilon" and len(number) == np.dtype(np.float32).itemsize
    return float(f"{np.frombuffer(number, '<f4')[0]:.1e}") if is_one else None


def _constant(content: memoryview) -> Constant:
    shape: list[int] = []
    name, kind = "", 0
    raw = floats = memoryview(b"")
    for number, value in fields(content):
        if number == 1:
            shape += [value] if isinstance(value, int) else packed(value, _MOST_DIMENSIONS)
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number == 4:
            floats = message(value)
        elif number == 8:
            name = text_of(value)
        elif number == 9:
            raw = message(value)
        if len(shape) > _MOST_DIMENSIONS:
            raise ValueError("too many dimensions")
    return Constant(name, tuple(shape), _ELEMENTS.get(kind), raw, floats)


def _array(content: memoryview) -> tuple[str, ArrayInfo]:
    """Read a ValueInfoProto."""
    name, info = "", ArrayInfo((), None)
    for number, value in fields(content):
        if number == 1:
            name = text_of(value)
        elif number == 2:
            for inner, tensor in fields(message(value)):
                if inner == 1:
                    info = _tensor_type(message(tensor))
    # Names are shown to people, whose terminal would obey what cannot be printed.
    if not name.isprintable():
        raise ValueError("a name that cannot be printed")
    return name, info


def _tensor_type(content: memoryview) -> ArrayInfo:
    kind, shape = 0, list[int]()
    for number, value in fields(content):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2:
            for inner, dimension in fields(message(value)):
                if inner == 1:
                    sides = [side for at, side in fields(message(dimension)) if at == 1 and isinstance(side, int)]
                    # A side is free when it is named, missing or, from careless exporters, not positive.
                    shape.append(sides[0] if sides and 0 < sides[0] < _NEGATIVE else -1)
    return ArrayInfo(tuple(shape), _ELEMENTS.get(kind))
