"""Export the original projects' own classes with random weights and keep the graphs' outlines, without a weight.

    python scripts/golden_outlines.py ORIGINALS tests/models/golden/outlines.npz [NAME ...]

ORIGINALS as for golden_crops.py. Needs numpy, onnx, onnxscript, torch and Mien's models on the path. Each network is
exported in full size by torch's legacy exporter (fixed and free shapes) and by the one on dynamo: some minutes each.
An outline is what Mien's reader sees: inputs, outputs, operators, names, and the shapes of constants.
"""

import importlib
import json
import sys
import tempfile
import types
from collections.abc import Callable, Sequence
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mien_models.onnx_format.graph import GraphDescription, read_graph

HYPERSWAP: Final = {
    "training.model.generator": {"source_channels": "512", "output_size": "256", "num_blocks": "2"},
    "training.model.masker": {"input_channels": "67", "output_channels": "1", "num_filters": "16"},
}
"""As its README's config.ini has it."""


@dataclass(frozen=True)
class Job:
    """One network: how it is made, fed and called."""

    make: Callable[[Path], nn.Module]
    sides: Sequence[int]
    """Of the inputs in order; 0 stands for a vector of 512."""
    inputs: Sequence[str]
    outputs: Sequence[str] = ("output",)


class Called(nn.Module):
    """A module whose way to be called is a function."""

    def __init__(self, way: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.way = way
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *inputs: Tensor) -> Any:  # noqa: ANN401 - as the project's
        """Call it."""
        return self.way(self, *inputs)


def imported(folder: Path, name: str, *packages: str) -> types.ModuleType:
    """Import a project's module alone: its packages' own beginnings are left out."""
    for known in list(sys.modules):
        if known.partition(".")[0] in {name.partition(".")[0], "models", "network", "model", "src", "training"}:
            del sys.modules[known]
    sys.path.insert(0, str(folder))
    for package in packages:
        empty = types.ModuleType(package)
        empty.__path__ = [str(folder / package.replace(".", "/"))]
        sys.modules[package] = empty
    return importlib.import_module(name)


def simswap(size: int) -> Callable[[Path], nn.Module]:
    """SimSwap's generator of 224 or 512 px."""
    name = "models.fs_networks" if size == 224 else "models.fs_networks_512"

    def make(root: Path) -> nn.Module:
        kind = imported(root / "neuralchen+SimSwap", name, "models").Generator_Adain_Upsample
        made: nn.Module = kind(input_nc=3, output_nc=3, latent_size=512, n_blocks=9, deep=False)
        return made

    return make


def ghost(backbone: str, blocks: int) -> Callable[[Path], nn.Module]:
    """GHOST's generator with its attributes' encoder; what it gives beside the picture is left out."""

    def make(root: Path) -> nn.Module:
        kind = imported(root / "ai-forever+ghost", "network.AEI_Net").AEI_Net
        return Called(lambda self, target, source: self.net(target, source)[0], net=kind(backbone, blocks, 512))

    return make


def hyperswap(root: Path) -> nn.Module:
    """HyperSwap as its trainer's forward runs it when it is exported."""
    folder, config = root / "facefusion+facefusion-labs" / "hyperswap", ConfigParser()
    config.read_dict(HYPERSWAP)
    packages = ("src", "src.networks", "src.models")
    generator = imported(folder, "src.models.generator", *packages).Generator(config)
    erode = importlib.import_module("src.helper").erode_mask

    def way(self: Any, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401
        with torch.no_grad():
            picture, mask = self.generator(source, target, self.generator.encode_features(target))
        return picture, erode(mask, 0.01)

    return Called(way, generator=generator)


def hififace(root: Path) -> nn.Module:
    """HifiFace with 512 numbers of identity in the place of its 769 of identity and shape."""
    folder = root / "xuehy+HiFiFace-pytorch"
    imported(folder, "models.model_blocks", "models")
    sys.modules["models.init_weight"] = types.SimpleNamespace(init_net=lambda net: net)  # type: ignore[assignment]
    sys.modules["models.shape_aware_identity_model"] = types.SimpleNamespace(ShapeAwareIdentityExtractor=None)  # type: ignore[assignment]
    blocks = sys.modules["models.model_blocks"]
    kind = blocks.AdaIn
    blocks.AdaIn = lambda channels, _length: kind(channels, 512)
    module = importlib.import_module("models.generator")

    def way(self: Any, target: Tensor, source: Tensor) -> Tensor:  # noqa: ANN401
        early, late = self.encoder(target)
        answer: tuple[Tensor, ...] = self.sff(target, early, self.decoder(late, source), source)
        return answer[0]

    parts = {"encoder": module.Encoder(), "decoder": module.Decoder(), "sff": module.SemanticFaceFusionModule()}
    return Called(way, **parts)


def blendswap(root: Path) -> nn.Module:
    """BlendSwap with its identity network inside; it imports torchvision and does not use it."""
    unused = types.ModuleType("torchvision")
    unused.transforms = None  # type: ignore[attr-defined]
    sys.modules.setdefault("torchvision", unused)
    made: nn.Module = imported(root / "mapooon+BlendFace" / "swapping", "blendswap").BlendSwap()
    return made


def uniface(root: Path) -> nn.Module:
    """UniFace's encoder and generator, called as its generate_swap.py does; its CUDA operators are torch's here."""
    operators = types.ModuleType("training.op")
    operators.FusedLeakyReLU = _FusedLeakyReLU  # type: ignore[attr-defined]
    operators.fused_leaky_relu = _fused_leaky_relu  # type: ignore[attr-defined]
    operators.upfirdn2d = _upfirdn2d  # type: ignore[attr-defined]
    folder = root / "xc-csc101+UniFace"
    sys.path.insert(0, str(folder))
    package = types.ModuleType("training")
    package.__path__ = [str(folder / "training")]
    sys.modules |= {"training": package, "training.op": operators}
    module = importlib.import_module("training.model")
    sizes = {"lr_mul": 0.01, "channel_multiplier": 2, "normalize_mode": "LayerNorm", "small_generator": False}
    generator = module.Generator_globalatt_return_32(256, 512, 32, **sizes)
    encoder = module.Encoder_return_32(256, 512, 32, channel_multiplier=2)

    def way(self: Any, source: Tensor, target: Tensor) -> Tensor:  # noqa: ANN401
        codes, features = self.e_ema(torch.cat([target, source]))
        target_code, source_code = codes.chunk(2)
        swapped: Tensor = self.g_ema([target_code, source_code, [one.chunk(2)[0] for one in features][::-1]])
        return swapped

    return Called(way, g_ema=generator, e_ema=encoder)


def _fused_leaky_relu(features: Tensor, bias: Tensor, slope: float = 0.2, scale: float = 2**0.5) -> Tensor:
    shape = (1, -1, *([1] * (features.ndim - 2)))
    return functional.leaky_relu(features + bias.view(shape), slope) * scale


class _FusedLeakyReLU(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        return _fused_leaky_relu(features, self.bias)


def _upfirdn2d(features: Tensor, kernel: Tensor, up: int = 1, down: int = 1, pad: Sequence[int] = (0, 0)) -> Tensor:
    batch, channels, height, width = features.shape
    planes = features.reshape(batch * channels, 1, height, 1, width, 1)
    planes = functional.pad(planes, [0, up - 1, 0, 0, 0, up - 1]).reshape(batch * channels, 1, height * up, width * up)
    planes = functional.pad(planes, [pad[0], pad[1], pad[0], pad[1]])
    planes = functional.conv2d(planes, torch.flip(kernel, [0, 1])[None, None])[:, :, ::down, ::down]
    return planes.reshape(batch, channels, *planes.shape[2:])


def reswapper(root: Path) -> nn.Module:
    """ReSwapper's, which is inswapper's."""
    made: nn.Module = imported(root / "somanchiu+ReSwapper", "StyleTransferModel_128").StyleTransferModel()
    return made


def crossface(root: Path) -> nn.Module:
    """A converter of identity vectors."""
    folder = root / "facefusion+facefusion-labs" / "crossface"
    made: nn.Module = imported(folder, "src.models.crossface", "src", "src.models").CrossFace()
    return made


def arcface(root: Path) -> nn.Module:
    """An identity network of 100 layers."""
    made: nn.Module = imported(root / "mapooon+BlendFace" / "swapping", "model.iresnet").iresnet100()
    return made


SWAPPER: Final = ("target", "source")
JOBS: Final[dict[str, Job]] = {
    "simswap_224": Job(simswap(224), (224, 0), SWAPPER),
    "simswap_512": Job(simswap(512), (512, 0), SWAPPER),
    "ghost_unet_2": Job(ghost("unet", 2), (256, 0), SWAPPER),
    "ghost_linknet_1": Job(ghost("linknet", 1), (256, 0), SWAPPER),
    "hyperswap": Job(hyperswap, (0, 256), ("source", "target"), ("output", "mask")),
    "hififace": Job(hififace, (256, 0), SWAPPER),
    "blendswap": Job(blendswap, (256, 112), SWAPPER),
    "uniface": Job(uniface, (256, 256), ("source", "target")),
    "inswapper_128": Job(reswapper, (128, 0), SWAPPER),
    "crossface": Job(crossface, (0,), ("input",)),
    "arcface": Job(arcface, (112,), ("input.1",), ("embedding",)),
}
EXPORTERS: Final = ("legacy", "legacy_free", "dynamo")


def outline(job: Job, module: nn.Module, exporter: str) -> GraphDescription:
    """Export a network and read its file."""
    inputs = tuple(torch.rand(1, 3, side, side) if side else torch.randn(1, 512) for side in job.sides)
    names: dict[str, Any] = {"input_names": list(job.inputs), "output_names": list(job.outputs)}
    if exporter == "legacy_free":
        sides = [{0: "n", 2: "h", 3: "w"} if side else {0: "n"} for side in job.sides]
        names["dynamic_axes"] = dict(zip(job.inputs, sides, strict=True))
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "net.onnx"
        if exporter == "dynamo":
            torch.onnx.export(module, inputs, str(path), opset_version=18, dynamo=True, external_data=False, **names)
        else:
            torch.onnx.export(module, inputs, str(path), opset_version=17, dynamo=False, **names)
        return read_graph(path.read_bytes(), job.inputs[0])


def as_data(graph: GraphDescription) -> str:
    """Write an outline as JSON."""

    def shapes(arrays: Any) -> dict[str, list[int]]:  # noqa: ANN401 - arrays or constants
        return {name: list(one.shape) for name, one in arrays.items()}

    facts = {kind: shapes(getattr(graph, kind)) for kind in ("inputs", "outputs", "constants")}
    unused = [name for name in graph.constants if name not in graph.taken]
    return json.dumps({**facts, "operators": graph.operators, "labels": graph.labels, "unused": unused})


def main() -> None:
    """Write the file; networks that are not named stay as they are in it."""
    root, file = Path(sys.argv[1]), Path(sys.argv[2])
    kept: dict[str, Any] = dict(np.load(file)) if file.exists() else {}
    for name in sys.argv[3:] or JOBS:
        torch.manual_seed(0)
        module = JOBS[name].make(root).eval()
        for exporter in EXPORTERS:
            try:
                graph = outline(JOBS[name], module, exporter)
            except Exception as error:  # noqa: BLE001 - some cannot be exported by one of them
                print(f"{name} {exporter}: {type(error).__name__}", flush=True)
                continue
            kept[f"{name}/{exporter}"] = np.frombuffer(as_data(graph).encode(), np.uint8)
            np.savez_compressed(file, **kept)
            print(f"{name} {exporter}: {file.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
