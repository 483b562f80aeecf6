"""A small network in the ONNX format, written without the onnx package: two 3x3 convolutions with a ReLU after each.

What a provider makes of it proves that the provider runs here. Its weights are made from a fixed seed, so that nothing
binary is shipped. The field numbers are those of `onnx.proto` (onnx 1.x, Apache-2.0).
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

INPUT_SHAPE: Final = (1, 32, 128, 128)
_CHANNELS: Final = 32
_FLOAT: Final = 1
_IR_VERSION: Final = 8
_OPSET: Final = 13


def probe_network() -> bytes:
    """Serialise the network: input `x` and output `y`, both float32 of `INPUT_SHAPE`."""
    random = np.random.default_rng(0)
    weights = [_weights(random), _weights(random)]
    nodes = [
        _convolution("x", "w0", "a"),
        _node("Relu", ["a"], "b"),
        _convolution("b", "w1", "c"),
        _node("Relu", ["c"], "y"),
    ]
    graph = b"".join(
        [
            *(_field(1, node) for node in nodes),
            _field(2, b"probe"),
            *(_field(5, _tensor(f"w{i}", weight)) for i, weight in enumerate(weights)),
            _field(11, _value("x")),
            _field(12, _value("y")),
        ]
    )
    opset = _field(8, _field(1, b"") + _number(2, _OPSET))
    return _number(1, _IR_VERSION) + _field(2, b"mien doctor") + _field(7, graph) + opset


def _weights(random: np.random.Generator) -> NDArray[np.float32]:
    """Weights that keep the size of what passes through (He et al. 2015)."""
    shape = (_CHANNELS, _CHANNELS, 3, 3)
    return random.standard_normal(shape, np.float32) * np.float32(math.sqrt(2 / (_CHANNELS * 9)))


def _convolution(source: str, weight: str, target: str) -> bytes:
    pads = _field(1, b"pads") + b"".join(_number(8, 1) for _ in range(4)) + _number(20, 7)
    return _node("Conv", [source, weight], target) + _field(5, pads)


def _node(kind: str, inputs: list[str], output: str) -> bytes:
    return b"".join(
        [*(_field(1, name.encode()) for name in inputs), _field(2, output.encode()), _field(4, kind.encode())]
    )


def _tensor(name: str, values: NDArray[np.float32]) -> bytes:
    dimensions = b"".join(_number(1, side) for side in values.shape)
    return dimensions + _number(2, _FLOAT) + _field(8, name.encode()) + _field(9, values.tobytes())


def _value(name: str) -> bytes:
    shape = b"".join(_field(1, _number(1, side)) for side in INPUT_SHAPE)
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, _FLOAT) + _field(2, shape)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Protocol Buffers' numbers: seven bits a byte, the lowest first, the top bit set on all but the last."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
