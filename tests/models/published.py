"""Files as published projects write them: small networks with the contract of each family, in many ways of writing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Style:
    """How a file is written."""

    exporter: Literal["legacy", "dynamo"] = "legacy"
    opset: int = 17
    half: Literal["no", "inside", "everywhere"] = "no"
    shapes: Literal["fixed", "batch", "sides", "unsaid"] = "fixed"
    """What is left open: nothing, the batch, the sides too, or everything of the outputs, as tracing often does."""
    suffix: str = ""
    """Behind the names of inputs and outputs."""
    external: bool = False
    anonymous: bool = False
    """Whether a tool threw the names of modules away."""


STYLES: Final[dict[str, Style]] = {
    "legacy, opset 11": Style(opset=11),
    "legacy, opset 17, batch": Style(shapes="batch"),
    "legacy, sides": Style(shapes="sides"),
    "legacy, outputs unsaid": Style(shapes="unsaid"),
    "legacy, half inside": Style(half="inside"),
    "dynamo, opset 18": Style("dynamo", 18),
    "dynamo, opset 21, external": Style("dynamo", 21, external=True),
    "dynamo, half everywhere": Style("dynamo", 20, half="everywhere"),
    "colons": Style(suffix=":0", opset=12),
    "slimmed": Style("dynamo", 18, anonymous=True),
}


@dataclass(frozen=True)
class Contract:
    """What a family's networks take and give, and what else their files hold."""

    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    weights: Mapping[str, Shape]
    """By the name of the module."""
    answers: tuple[str, ...] = ("",)


def swapper(side_px: int) -> dict[str, Shape]:
    return {"target": (1, 3, side_px, side_px), "source": (1, 512)}


def picture(side_px: int) -> dict[str, Shape]:
    return {"output": (1, 3, side_px, side_px)}


CONTRACTS: Final[dict[str, Contract]] = {
    "inswapper": Contract(
        swapper(128),
        picture(128),
        {"target_encoder.0.weight": (128, 3, 7, 7), "style_blocks.0.style1.weight": (2048, 512), "emap": (512, 512)},
    ),
    "simswap": Contract(
        swapper(224),
        picture(224),
        {"first_layer.1.weight": (64, 3, 7, 7), "BottleNeck.0.style1.linear.weight": (1024, 512)},
        answers=("own", "crossface"),
    ),
    "ghost": Contract(
        swapper(256),
        picture(256),
        {"generator.up1.weight": (512, 1024, 2, 2), "generator.AADBlk1.add_blocks.0.conv_h.weight": (1, 1024, 1, 1)},
        answers=("r100", "crossface"),
    ),
    "hyperswap": Contract(
        {"source": (1, 512), "target": (1, 3, 256, 256)},
        {**picture(256), "mask": (1, 1, 256, 256)},
        {"generator.layers.0.conv3.weight": (1, 1024, 1, 1), "generator.encoder.down_samples.0.weight": (32, 3, 4, 4)},
    ),
    "hififace": Contract(swapper(256), picture(256), {"encoder.conv_first.weight": (64, 3, 3, 3)}),
    "blendswap": Contract(
        {"target": (1, 3, 256, 256), "source": (1, 3, 112, 112)}, picture(256), {"E_ema.conv1.weight": (32, 3, 4, 4)}
    ),
    "uniface": Contract(
        {"source": (1, 3, 256, 256), "target": (1, 3, 256, 256)}, picture(256), {"g_ema.conv1.weight": (64, 3, 1, 1)}
    ),
    "mobilefaceswap": Contract(
        {"input": (1, 3, 224, 224)}, {**picture(224), "mask": (1, 1, 224, 224)}, {"body.0.weight": (32, 3, 3, 3)}
    ),
    "dfm": Contract(
        {"in_face": (1, 64, 64, 3), "morph_value": (1,)},
        {
            "out_face_mask": (1, 64, 64, 1),
            "out_celeb_face": (1, 64, 64, 3),
            "out_celeb_face_mask": (1, 64, 64, 1),
        },
        {},
    ),
    "arcface": Contract({"input.1": (1, 3, 112, 112)}, {"683": (1, 512)}, {"conv1.weight": (64, 3, 3, 3)}),
    "crossface": Contract({"input": (1, 512)}, {"output": (1, 512)}, {"sequence.0.weight": (1024, 512)}),
}


def published(
    path: Path, family: str, style: Style, *, seed: int = 0, weights: Mapping[str, Shape] | None = None
) -> Path:
    """Write a network of a family's contract that runs; its numbers are made by seed, its weights may be others."""
    contract = CONTRACTS[family] if weights is None else replace(CONTRACTS[family], weights=weights)
    writer = _Writer(contract, style, np.random.default_rng(seed))
    model = writer.model()
    onnx.checker.check_model(model)
    if style.external:
        onnx.save(model, str(path), save_as_external_data=True, location=f"{path.name}.data", size_threshold=0)
    else:
        onnx.save(model, str(path))
    return path


class _Writer:
    """Puts one graph together."""

    def __init__(self, contract: Contract, style: Style, random: np.random.Generator) -> None:
        self.contract, self.style, self.random = contract, style, random
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.kind = np.float16 if style.half != "no" else np.float32
        self.outside = TensorProto.FLOAT16 if style.half == "everywhere" else TensorProto.FLOAT

    def model(self) -> Any:
        """Give the whole file."""
        for name, shape in self.contract.weights.items():
            self.constant(f"onnx::Conv_{len(self.constants)}" if self.style.anonymous else name, self.drawn(*shape))
        inside = {name: self.brought_in(name) for name in self.contract.inputs}
        mixed = self.mixture(inside)
        for name, shape in self.contract.outputs.items():
            self.give(name, shape, mixed)
        taken, given = (
            [helper.make_tensor_value_info(name + self.style.suffix, self.outside, shape) for name, shape in some]
            for some in (self.shapes(self.contract.inputs), self.shapes(self.contract.outputs, are_outputs=True))
        )
        graph = helper.make_graph(self.nodes, "main_graph", taken, given, self.constants)
        opset = helper.make_opsetid("", self.style.opset)
        return helper.make_model(graph, opset_imports=[opset], ir_version=8 if self.style.opset < 20 else 10)

    def shapes(self, arrays: Mapping[str, Shape], *, are_outputs: bool = False) -> list[tuple[str, Any]]:
        """Leave open what the style leaves open; a batch has the same name everywhere."""
        left = self.style.shapes
        made: list[tuple[str, Any]] = []
        for name, shape in arrays.items():
            is_map = len(shape) == 4
            if left == "unsaid" and are_outputs:
                made.append((name, [f"{name}_dim_{place}" for place in range(len(shape))]))
            elif left == "sides" and is_map and shape[1] in {1, 3}:
                made.append((name, ["n", shape[1], "h", "w"]))
            elif left in {"sides", "batch"} and len(shape) > 1:
                made.append((name, ["n", *shape[1:]]))
            else:
                made.append((name, list(shape)))
        return made

    def mixture(self, inside: Mapping[str, str]) -> str:
        """Make one number of all inputs, near zero."""
        parts: list[str] = []
        for name, array in inside.items():
            flat = self.node("Reshape", array, self.constant(f"flat_{name}", np.array([-1], np.int64)))
            # The same for every opset: the first number, by a slice.
            ends = [self.constant(f"{end}_{name}", np.array([at], np.int64)) for end, at in (("from", 0), ("to", 1))]
            parts.append(self.node("Slice", flat, *ends))
        total = parts[0]
        for other in parts[1:]:
            total = self.node("Add", total, other)
        return self.node("Mul", total, self.constant("small", np.array([0.01], self.kind)))

    def give(self, name: str, shape: Shape, mixed: str) -> None:
        """Make one output: a picture or mask of the first input that is one, or a vector."""
        inputs = self.contract.inputs
        maps = [one for one, size in inputs.items() if len(size) == 4]
        wanted = "target" if "target" in inputs else next(iter(maps), next(iter(inputs)))
        source = self.inside(wanted)
        if len(shape) == 4 and shape[3] in {1, 3}:
            matrix = self.constant(f"{name}_matrix", self.drawn(3, shape[3]))
            made = self.node("MatMul", source, matrix)
        elif len(shape) == 4:
            kernel = self.constant(f"{name}_kernel", self.drawn(shape[1], 3, 3, 3))
            made = self.node("Conv", source, kernel, pads=[1, 1, 1, 1])
        elif len(inputs[wanted]) == 4:
            small = self.node("AveragePool", source, kernel_shape=[16, 16], strides=[16, 16])
            made = self.node("MatMul", self.node("Flatten", small), self.constant("matrix", self.drawn(147, shape[1])))
        else:
            made = self.node("MatMul", source, self.constant("matrix", self.drawn(512, shape[1])))
        made = self.node("Add", made, mixed)
        if "mask" in name:
            made = self.node("Sigmoid", made)
        end = "Cast" if self.style.half == "inside" else "Identity"
        more: dict[str, Any] = {"to": TensorProto.FLOAT} if end == "Cast" else {}
        self.nodes.append(helper.make_node(end, [made], [name + self.style.suffix], **more))

    def inside(self, name: str) -> str:
        return f"{name}_inside"

    def brought_in(self, name: str) -> str:
        end = "Cast" if self.style.half == "inside" else "Identity"
        more: dict[str, Any] = {"to": TensorProto.FLOAT16} if end == "Cast" else {}
        self.nodes.append(helper.make_node(end, [name + self.style.suffix], [self.inside(name)], **more))
        return self.inside(name)

    def node(self, operator: str, *taken: str, **attributes: Any) -> str:
        number = len(self.nodes)
        label = f"/body/{operator}_{number}" if self.style.exporter == "legacy" else f"node_{operator}_{number}"
        self.nodes.append(helper.make_node(operator, list(taken), [f"value_{number}"], name=label, **attributes))
        return f"value_{number}"

    def constant(self, name: str, numbers: NDArray[Any]) -> str:
        """Add an array; the legacy exporter writes small ones as nodes."""
        tensor = numpy_helper.from_array(numbers, name)
        if self.style.exporter == "legacy" and numbers.size == 1:
            self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        else:
            self.constants.append(tensor)
        return name

    def drawn(self, *shape: int) -> NDArray[Any]:
        return (self.random.standard_normal(shape, np.float32) / 8).astype(self.kind)
