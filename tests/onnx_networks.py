"""Tiny ONNX networks with the contracts of big ones."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mien_models.architectures._registry import STAMP, stamp_of
from mien_models.specs.network import SwapSpec


def saved(
    path: Path,
    nodes: list[Any],
    input_shape: tuple[int, ...],
    output_shape: tuple[int | str, ...],
    constants: dict[str, NDArray[Any]] | None = None,
) -> Path:
    """Write a network from `x` to `y`, both float32, of these nodes and constants."""
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, output_shape)],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def affine_network(path: Path, side_px: int, gain: float, bias: float | tuple[float, float, float]) -> Path:
    """Write one that answers a picture (1, 3, n, n) with `gain * picture + bias`, the bias also one for each plane."""
    biases = np.array([bias], np.float32).reshape(-1, 1, 1)
    constants = {"gain": np.array([gain], np.float32), "bias": biases}
    nodes = [helper.make_node("Mul", ["x", "gain"], ["scaled"]), helper.make_node("Add", ["scaled", "bias"], ["y"])]
    return saved(path, nodes, (1, 3, side_px, side_px), (1, 3, side_px, side_px), constants)


def restoring_network(path: Path, side_px: int = 512, *, gain: float = 1.0, bias: float = 0.0) -> Path:
    """Write one with an enhancer's contract, which also asks for a weight and answers `gain * picture + bias`."""
    picture = [1, 3, side_px, side_px]
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["input", "gain"], ["scaled"]),
            helper.make_node("Cast", ["weight"], ["weight32"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["weight32", "nothing"], ["unused"]),
            helper.make_node("Add", ["scaled", "unused"], ["whole"]),
            helper.make_node("Add", ["whole", "bias"], ["output"]),
        ],
        "restoring",
        [
            helper.make_tensor_value_info("input", TensorProto.FLOAT, picture),
            helper.make_tensor_value_info("weight", TensorProto.DOUBLE, [1]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, picture)],
        [
            numpy_helper.from_array(np.array([gain], np.float32), "gain"),
            numpy_helper.from_array(np.array([bias], np.float32), "bias"),
            numpy_helper.from_array(np.array([0], np.float32), "nothing"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def finishing_network(path: Path, *, side_px: int = 128, bias: float = 0.0) -> Path:
    """Write one with the finishing network's contract that adds its first plane of light and `bias`."""
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["x", "begin", "end", "axis"], ["light"]),
            helper.make_node("Add", ["light", "bias"], ["added"]),
        ],
        "finishing",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 10, side_px, side_px])],
        [helper.make_tensor_value_info("added", TensorProto.FLOAT, [1, 3, side_px, side_px])],
        [
            numpy_helper.from_array(np.array([bias], np.float32), "bias"),
            *(numpy_helper.from_array(np.array([n], np.int64), k) for k, n in (("begin", 4), ("end", 7), ("axis", 1))),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def xseg_network(path: Path, side_px: int = 64) -> Path:
    """Write one with XSeg's contract that takes whatever is brighter than black for the face."""
    constants = {"half": np.array([0.01], np.float32), "steep": np.array([1000.0], np.float32)}
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["brightest"], axes=[3], keepdims=1),
        helper.make_node("Sub", ["brightest", "half"], ["above"]),
        helper.make_node("Mul", ["above", "steep"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["y"]),
    ]
    return saved(path, nodes, (1, side_px, side_px, 3), (1, side_px, side_px, 1), constants)


def bisenet_network(path: Path, side_px: int = 64) -> Path:
    """Write one with BiSeNet's contract that calls what is not black skin (class 1) and the rest background."""
    weights = np.zeros((19, 3, 1, 1), np.float32)
    weights[1] = 1
    bias = np.full(19, -100, np.float32)
    bias[0], bias[1] = 0, 6  # black is about -2.1 -2.0 -1.8 after ImageNet's normalisation
    node = helper.make_node("Conv", ["x", "weights", "bias"], ["y"], kernel_shape=[1, 1])
    constants = {"weights": weights, "bias": bias - np.float32(0.3) * (np.arange(19) == 1)}
    return saved(path, [node], (1, 3, side_px, side_px), (1, 19, side_px, side_px), constants)


def inswapper_network(path: Path, side_px: int = 128, *, half: bool = False) -> Path:
    """Write one with inswapper's contract: it blurs and tints the picture; its map is unused and last."""
    random = np.random.default_rng(7)
    kernel = np.zeros((3, 3, 5, 5), np.float32)
    for channel in range(3):
        kernel[channel, channel] = 1 / 25
    constants: dict[str, NDArray[Any]] = {
        "kernel": kernel,
        "tint": (random.standard_normal((512, 3)) * 3).astype(np.float32),
        "shape": np.array([1, 3, 1, 1], np.int64),
        "low": np.array(0, np.float32),
        "high": np.array(1, np.float32),
        "style.weight": np.zeros((2048, 512), np.float32),
        "first.weight": np.zeros((128, 3, 7, 7), np.float32),
        "emap": (random.standard_normal((512, 512)) / 8).astype(np.float16 if half else np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["target", "kernel"], ["blurred"], pads=[2, 2, 2, 2]),
        helper.make_node("MatMul", ["source", "tint"], ["shift"]),
        helper.make_node("Reshape", ["shift", "shape"], ["tint4"]),
        helper.make_node("Add", ["blurred", "tint4"], ["sum"]),
        helper.make_node("Clip", ["sum", "low", "high"], ["output"]),
    ]
    shape = [1, 3, side_px, side_px]
    graph = helper.make_graph(
        nodes,
        "inswapper",
        [
            helper.make_tensor_value_info("target", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("source", TensorProto.FLOAT, [1, 512]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def arcface_network(path: Path) -> Path:
    """Write one with ArcFace's contract: means of 16 x 16 blocks through a random matrix."""
    random = np.random.default_rng(11)
    constants = {"matrix": random.standard_normal((3 * 7 * 7, 512)).astype(np.float32)}
    nodes = [
        helper.make_node("AveragePool", ["input.1"], ["small"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Flatten", ["small"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["683"]),
    ]
    graph = helper.make_graph(
        nodes,
        "arcface",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, 112, 112])],
        [helper.make_tensor_value_info("683", TensorProto.FLOAT, [1, 512])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def dfm_network(path: Path, *, gain: float = 0.5, bias: float = 0.2, more: list[Any] | None = None) -> Path:
    """Write one with the contract of a DFM file that answers `gain * picture + bias`."""
    picture: list[str | int | None] = ["n", 64, 64, 3]
    mask: list[str | int | None] = ["n", 64, 64, 1]
    nodes = [
        helper.make_node("Mul", ["in_face:0", "gain"], ["scaled"]),
        helper.make_node("Add", ["scaled", "bias"], ["out_celeb_face:0"]),
        helper.make_node("ReduceMax", ["in_face:0"], ["out_face_mask:0"], axes=[3], keepdims=1),
        *(more or []),
    ]
    graph = helper.make_graph(
        nodes,
        "dfm",
        [helper.make_tensor_value_info("in_face:0", TensorProto.FLOAT, picture)],
        [
            helper.make_tensor_value_info("out_face_mask:0", TensorProto.FLOAT, mask),
            helper.make_tensor_value_info("out_celeb_face:0", TensorProto.FLOAT, picture),
        ],
        [
            numpy_helper.from_array(np.array([gain], np.float32), "gain"),
            numpy_helper.from_array(np.array([bias], np.float32), "bias"),
            numpy_helper.from_array(np.array([2 * 10**9], np.int64), "many"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def crossface_network(path: Path) -> Path:
    """Write one with a converter's contract, which turns the vector round."""
    constants = {"minus": np.array([-1], np.float32)}
    graph = helper.make_graph(
        [helper.make_node("Mul", ["input", "minus"], ["output"])],
        "crossface",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 512])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 512])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def whitening_network(path: Path, *, masks: dict[str, float], blends: bool) -> Path:
    """Write a DFM file, or a HyperSwap that blends: nine tenths of the way to white, masks as far open everywhere."""
    if blends:
        (level,) = masks.values()
        nodes = [
            helper.make_node("Mul", ["target", "rest"], ["kept"]),
            helper.make_node("Add", ["kept", "new"], ["blended"]),
            helper.make_node("ReduceMean", ["source"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
            helper.make_node("Add", ["blended", "zero"], ["output"]),
        ]
        constants = {"rest": 1 - 0.9 * level, "new": 0.9 * level, "nothing": 0.0}
        inputs = {"target": [1, 3, 256, 256], "source": [1, 512]}
        outputs = {"output": [1, 3, 256, 256], **{name: [1, 1, 256, 256] for name in masks}}
        seen = "target"
    else:
        nodes = [
            helper.make_node("Mul", ["in_face:0", "rest"], ["kept"]),
            helper.make_node("Add", ["kept", "new"], ["out_celeb_face:0"]),
        ]
        constants = {"nothing": 0.0, "rest": 0.1, "new": 0.9}
        inputs = {"in_face:0": [1, 64, 64, 3]}
        outputs = {"out_celeb_face:0": [1, 64, 64, 3], **{name: [1, 64, 64, 1] for name in masks}}
        seen = "in_face:0"
    for number, (name, level) in enumerate(masks.items()):
        constants[f"level{number}"] = level
        nodes += [
            helper.make_node("ReduceMean", [seen], [f"grey{number}"], axes=[1 if blends else 3], keepdims=1),
            helper.make_node("Mul", [f"grey{number}", "nothing"], [f"closed{number}"]),
            helper.make_node("Add", [f"closed{number}", f"level{number}"], [name]),
        ]
    graph = helper.make_graph(
        nodes,
        "whitening",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def byte_network(path: Path, side_px: int) -> Path:
    """Write a swapper between bytes, (1, n, n, 3) uint8 in and out, that gives the negative."""
    picture = [1, side_px, side_px, 3]
    graph = helper.make_graph(
        [helper.make_node("Sub", ["white", "target"], ["output"])],
        "bytes",
        [helper.make_tensor_value_info("target", TensorProto.UINT8, picture)],
        [helper.make_tensor_value_info("output", TensorProto.UINT8, picture)],
        [numpy_helper.from_array(np.array(255, np.uint8), "white")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def unchanging_network(path: Path, spec: SwapSpec) -> Path:
    """Write a swapper of any family that gives back the pixels it was given and open masks, with its stamp."""
    side, planar = spec.crop.size_px, spec.crop.layout == "nchw"
    per_colour = (1, 3, 1, 1) if planar else (1, 1, 1, 3)
    scale, offset = np.array(spec.crop.scale), np.array(spec.crop.offset)
    out_scale, out_offset = spec.output.scale, spec.output.offset
    constants: dict[str, NDArray[Any]] = {
        "gain": (1 / (scale * out_scale)).astype(np.float32).reshape(per_colour),
        "bias": ((-offset / scale - out_offset) / out_scale).astype(np.float32).reshape(per_colour),
        "nothing": np.array(0, np.float32),
        "one": np.array(1, np.float32),
    }
    target, names = spec.names.target, spec.names
    picture = [1, 3, side, side] if planar else [1, side, side, 3]
    mask = [1, 1, side, side] if planar else [1, side, side, 1]
    inputs = [helper.make_tensor_value_info(target, TensorProto.FLOAT, picture)]
    nodes = [
        helper.make_node("Mul", [target, "gain"], ["scaled"]),
        helper.make_node("Add", ["scaled", "bias"], ["sum0"]),
    ]
    others: list[tuple[str, list[int]]] = []
    if names.source is not None:
        own = spec.identity.picture
        others.append((names.source, [1, 512] if own is None else [1, 3, own.size_px, own.size_px]))
    if names.morph is not None:
        others.append((names.morph, [1]))
    for index, (name, shape) in enumerate(others):
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        nodes += [
            helper.make_node("ReduceMean", [name], [f"mean{index}"], keepdims=0),
            helper.make_node("Mul", [f"mean{index}", "nothing"], [f"zero{index}"]),
            helper.make_node("Add", [f"sum{index}", f"zero{index}"], [f"sum{index + 1}"]),
        ]
    nodes.append(helper.make_node("Identity", [f"sum{len(others)}"], [names.output]))
    outputs = [helper.make_tensor_value_info(names.output, TensorProto.FLOAT, picture)]
    for index, name in enumerate(names.masks):
        axis = 1 if planar else 3
        nodes += [
            helper.make_node("ReduceMean", [target], [f"grey{index}"], axes=[axis], keepdims=1),
            helper.make_node("Mul", [f"grey{index}", "nothing"], [f"none{index}"]),
            helper.make_node("Add", [f"none{index}", "one"], [name]),
        ]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, mask))
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "unchanging", inputs, outputs, initializers),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    helper.set_model_props(model, {STAMP: stamp_of(spec)})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path
