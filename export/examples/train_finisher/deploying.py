"""Trained networks as files that are run without torch; each file is compared with torch before it is kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from finishing_network import CHANNELS, FOLD, SHOWN, SHY, Finisher
from numpy.typing import NDArray
from tflite_graph import Place, TfliteGraph
from torch import Tensor, nn

SIDE_PX: Final = 128
OPSET: Final = 20
LARGEST_DIFFERENCE: Final = 0.02
"""Weights are halved; parts of 1."""


def export(run: Path, folder: Path, say: Callable[[str], None]) -> int:
    """Write finisher.onnx and finisher.tflite of a run."""
    kept = cast("dict[str, Any]", torch.load(run / "finisher.pth", map_location="cpu", weights_only=True))
    network = Finisher().eval()
    network.load_state_dict(kept["smooth"])
    folder.mkdir(parents=True, exist_ok=True)
    _write_onnx(network, folder / "finisher.onnx")
    content = tflite_of(network)
    example = torch.rand(1, CHANNELS, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(1)) - 0.5
    with torch.no_grad():
        expected = network(example).permute(0, 2, 3, 1).numpy()
    (found,) = run_tflite(content, example.permute(0, 2, 3, 1).numpy())
    apart = float(np.abs(found - expected).max())
    say(f"step {kept['step']}: {len(content)} bytes, {apart:.5f} from torch at most")
    if apart > LARGEST_DIFFERENCE:
        say("That is too much; nothing was written.")
        return 1
    (folder / "finisher.tflite").write_bytes(content)
    return 0


def _write_onnx(network: Finisher, path: Path) -> None:
    example = torch.zeros(1, CHANNELS, SIDE_PX, SIDE_PX)
    program = torch.onnx.export(network, (example,), dynamo=True, opset_version=OPSET, verbose=False)
    assert program is not None  # noqa: S101  # only None without dynamo
    program.save(str(path))


def tflite_of(network: Finisher) -> bytes:
    """Write the finishing network; input (1, 128, 128, 10), output (1, 128, 128, 3)."""
    graph = TfliteGraph()
    x = graph.input("composed", (1, SIDE_PX, SIDE_PX, CHANNELS))
    y = unet(graph, network, graph.folded(x, FOLD), CHANNELS)
    weight, bias = unfolding(network.fine, FOLD)
    # relu and unfolding may change places: neither mixes values
    z = graph.unfolded(graph.conv(y, weight, bias, relu=True), FOLD)
    z = graph.conv(graph.joined(z, graph.channels(x, 0, SHOWN)), *arrays(network.mix), relu=True)
    weight, bias = arrays(network.out)
    bias = bias.copy()
    bias[3] -= SHY
    o = graph.conv(z, weight, bias)
    painted = graph.subtract(graph.channels(o, 4, 7), graph.channels(x, 0, 3))
    added = graph.multiply(painted, graph.logistic(graph.channels(o, 3, 4)))
    return graph.finished({"added": graph.add(graph.channels(o, 0, 3), added)}, "Mien's finishing network")


def unet(graph: TfliteGraph, network: nn.Module, folded: Place, channels: int) -> Place:
    """Write head, encoders, downs, ups and decoders."""
    module = cast("Any", network)
    weight, bias = arrays(module.head)
    y = graph.conv(folded, _folded_taps(weight, channels), bias, relu=True)
    passed: list[Place] = []
    for encoder, down in zip(module.encoders, module.downs, strict=False):
        y = _block(graph, encoder, y)
        passed.append(y)
        y = graph.conv(y, *arrays(down), stride=2, relu=True)
    y = _block(graph, module.encoders[-1], y)
    for up, decoder in zip(module.ups, module.decoders, strict=True):
        y = _block(graph, decoder, graph.add(graph.doubled(graph.conv(y, *arrays(up))), passed.pop()))
    return y


def _block(graph: TfliteGraph, block: nn.Module, x: Place) -> Place:
    module = cast("Any", block)
    inner = graph.conv(x, *arrays(module.first), relu=True)
    return graph.add(x, graph.conv(inner, *arrays(module.second)), relu=True)


def arrays(layer: nn.Module) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give a layer's weight and bias."""
    module = cast("Any", layer)
    weight, bias = cast("Tensor", module.weight), cast("Tensor", module.bias)
    return weight.detach().numpy(), bias.detach().numpy()


def _folded_taps(weight: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Torch counts a block's pixels within each channel, TensorFlow the channels within each pixel."""
    out, folded, height, width = weight.shape
    return weight.reshape(out, channels, folded // channels, height, width).swapaxes(1, 2).reshape(weight.shape)


def unfolding(layer: nn.Module, block: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The same for a convolution whose output is unfolded."""
    weight, bias = arrays(layer)
    count = len(bias) // block**2
    order = np.arange(len(bias)).reshape(count, block**2).T.ravel()
    return weight[order], bias[order]


def run_tflite(content: bytes, example: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Run a file once."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ascontiguousarray(example))
    interpreter.invoke()
    return [np.asarray(interpreter.get_tensor(detail["index"])) for detail in interpreter.get_output_details()]
