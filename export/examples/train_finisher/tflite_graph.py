"""Writes a network of convolutions as a .tflite file with weights in half precision; no converter is needed for it.

The file's structure is that of TensorFlow Lite's published schema, of which LiteRT brings the Python classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

VERSION: Final = 3
IDENTIFIER: Final = b"TFL3"
HALF: Final = 2


@dataclass(frozen=True, slots=True)
class Place:
    """A tensor of the graph, (1, height, width, channels) or a vector."""

    number: int
    shape: tuple[int, ...]


class TfliteGraph:
    """Is built from input to output; pictures have their channels last."""

    def __init__(self) -> None:
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[int] = []
        self._buffers: list[Any] = [schema.BufferT()]
        self._inputs: list[int] = []

    def input(self, name: str, shape: tuple[int, ...]) -> Place:
        """Declare an input."""
        place = self._tensor(name, shape)
        self._inputs.append(place.number)
        return place

    def conv(
        self, x: Place, weight: NDArray[np.float32], bias: NDArray[np.float32], *, stride: int = 1, relu: bool = False
    ) -> Place:
        """Convolve; `weight` is (out, in, k, k) as torch has it, edges are padded with k // 2 zeros on every side."""
        kernel = weight.shape[2]
        padding = schema.Padding.SAME
        if stride > 1:  # SAME would pad below and to the right only
            edges = np.array([[0, 0], [kernel // 2] * 2, [kernel // 2] * 2, [0, 0]], np.int32)
            shape = (1, x.shape[1] + kernel - 1, x.shape[2] + kernel - 1, x.shape[3])
            x = self._operator(schema.BuiltinOperator.PAD, None, [x, self._constant(edges)], shape)
            padding = schema.Padding.VALID
        options = schema.Conv2DOptionsT()
        options.padding, options.strideH, options.strideW = padding, stride, stride
        options.dilationHFactor = options.dilationWFactor = 1
        options.fusedActivationFunction = _activation(relu=relu)
        size = [(side - kernel) // stride + 1 if stride > 1 else side for side in x.shape[1:3]]
        taps = self._halved(weight.transpose(0, 2, 3, 1))
        return self._operator(
            schema.BuiltinOperator.CONV_2D, options, [x, taps, self._halved(bias)], (1, *size, weight.shape[0])
        )

    def dense(self, x: Place, weight: NDArray[np.float32], bias: NDArray[np.float32], *, relu: bool = False) -> Place:
        """Multiply all of x, seen as (1, in), by (out, in)."""
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = _activation(relu=relu)
        inputs = [x, self._halved(weight), self._halved(bias)]
        return self._operator(schema.BuiltinOperator.FULLY_CONNECTED, options, inputs, (1, weight.shape[0]))

    def add(self, a: Place, b: Place, *, relu: bool = False) -> Place:
        """Add."""
        options = schema.AddOptionsT()
        options.fusedActivationFunction = _activation(relu=relu)
        return self._operator(schema.BuiltinOperator.ADD, options, [a, b], a.shape)

    def subtract(self, a: Place, b: Place) -> Place:
        """Subtract."""
        return self._operator(schema.BuiltinOperator.SUB, schema.SubOptionsT(), [a, b], a.shape)

    def multiply(self, a: Place, b: Place) -> Place:
        """Multiply; a single channel of `b` counts for all of `a`."""
        return self._operator(schema.BuiltinOperator.MUL, schema.MulOptionsT(), [a, b], a.shape)

    def logistic(self, x: Place) -> Place:
        """Squash to 0..1."""
        return self._operator(schema.BuiltinOperator.LOGISTIC, None, [x], x.shape)

    def doubled(self, x: Place) -> Place:
        """Enlarge twice, linearly between pixels' centres."""
        _, height, width, channels = x.shape
        options = schema.ResizeBilinearOptionsT()
        options.halfPixelCenters = True
        size = self._constant(np.array([2 * height, 2 * width], np.int32))
        return self._operator(
            schema.BuiltinOperator.RESIZE_BILINEAR, options, [x, size], (1, 2 * height, 2 * width, channels)
        )

    def folded(self, x: Place, block: int) -> Place:
        """Turn blocks of pixels to channels: those of one pixel stay together."""
        options = schema.SpaceToDepthOptionsT()
        options.blockSize = block
        _, height, width, channels = x.shape
        shape = (1, height // block, width // block, channels * block**2)
        return self._operator(schema.BuiltinOperator.SPACE_TO_DEPTH, options, [x], shape)

    def unfolded(self, x: Place, block: int) -> Place:
        """Turn them back."""
        options = schema.DepthToSpaceOptionsT()
        options.blockSize = block
        _, height, width, channels = x.shape
        shape = (1, height * block, width * block, channels // block**2)
        return self._operator(schema.BuiltinOperator.DEPTH_TO_SPACE, options, [x], shape)

    def channels(self, x: Place, first: int, end: int) -> Place:
        """Take some channels."""
        begin, size = [0, 0, 0, first], [1, x.shape[1], x.shape[2], end - first]
        inputs = [x, *(self._constant(np.array(values, np.int32)) for values in (begin, size))]
        return self._operator(schema.BuiltinOperator.SLICE, schema.SliceOptionsT(), inputs, tuple(size))

    def joined(self, a: Place, b: Place) -> Place:
        """Put channels beside each other."""
        options = schema.ConcatenationOptionsT()
        options.axis = len(a.shape) - 1
        shape = (*a.shape[:-1], a.shape[-1] + b.shape[-1])
        return self._operator(schema.BuiltinOperator.CONCATENATION, options, [a, b], shape)

    def mean(self, x: Place) -> Place:
        """Average over the picture: (1, channels)."""
        return self._reduced(schema.BuiltinOperator.MEAN, x)

    def largest(self, x: Place) -> Place:
        """Take the largest over the picture: (1, channels)."""
        return self._reduced(schema.BuiltinOperator.REDUCE_MAX, x)

    def finished(self, outputs: dict[str, Place], description: str) -> bytes:
        """Give the file."""
        for name, place in outputs.items():
            self._tensors[place.number].name = name
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = self._inputs, [place.number for place in outputs.values()]
        model = schema.ModelT()
        model.version, model.description = VERSION, description
        model.subgraphs, model.buffers = [graph], self._buffers
        model.operatorCodes = [_code(number) for number in self._codes]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())

    def _reduced(self, operator: int, x: Place) -> Place:
        axes = self._constant(np.array([1, 2], np.int32))
        return self._operator(operator, schema.ReducerOptionsT(), [x, axes], (1, x.shape[3]))

    def _halved(self, values: NDArray[np.float32]) -> Place:
        half = self._constant(np.ascontiguousarray(values, np.float16))
        return self._operator(schema.BuiltinOperator.DEQUANTIZE, schema.DequantizeOptionsT(), [half], values.shape)

    def _constant(self, values: NDArray[Any]) -> Place:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._buffers.append(buffer)
        kind = schema.TensorType.INT32 if values.dtype == np.int32 else schema.TensorType.FLOAT16
        return self._tensor(f"constant_{len(self._tensors)}", values.shape, kind, len(self._buffers) - 1)

    def _tensor(self, name: str, shape: Sequence[int], kind: int = schema.TensorType.FLOAT32, buffer: int = 0) -> Place:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), kind, buffer
        self._tensors.append(tensor)
        return Place(len(self._tensors) - 1, tuple(shape))

    def _operator(self, operator: int, options: object, inputs: Sequence[Place], shape: Sequence[int]) -> Place:
        if operator not in self._codes:
            self._codes.append(operator)
        output = self._tensor(f"step_{len(self._tensors)}", shape)
        made = schema.OperatorT()
        made.opcodeIndex = self._codes.index(operator)
        made.inputs, made.outputs = [place.number for place in inputs], [output.number]
        if options is not None:
            made.builtinOptions = options
            made.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self._operators.append(made)
        return output


def _activation(*, relu: bool) -> int:
    return int(schema.ActivationFunctionType.RELU if relu else schema.ActivationFunctionType.NONE)


def _code(number: int) -> object:
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = (
        number,
        min(number, 127),
        HALF if number == schema.BuiltinOperator.DEQUANTIZE else 1,
    )
    return code
