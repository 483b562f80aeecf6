"""Compute the golden numbers with the code that each network was published with: `ORIGIN.md` says which and how.

    PYTHONPATH=. python tests/export/networks/golden/make.py FOLDER_OF_CHECKOUTS [FAMILY...]

Nothing of that code is kept here; the checkouts lie where the first word says, by the names of their repositories.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from configparser import ConfigParser
from pathlib import Path
from typing import Any, cast

import numpy as np
from tests.export.networks.golden import recipe

SOURCES = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
HERE = Path(__file__).parent


def filled(module: Any, seed: int, length: float = 1.0) -> Any:
    """Give a module the recipe's weights."""
    import torch

    like: dict[str, Any] = module.state_dict()
    shapes = {key: tuple(one.shape) for key, one in like.items()}
    state = {key: torch.from_numpy(one) for key, one in recipe.weights(shapes, seed, length).items()}
    missing = module.load_state_dict(state, strict=False)
    assert all(recipe.COUNTER in key for key in missing.missing_keys), missing
    assert not missing.unexpected_keys, missing
    return module.eval()


def asked(module: Any, *given: np.ndarray) -> list[np.ndarray]:
    """Give what a module answers."""
    import torch

    with torch.inference_mode():
        answer = module(*[torch.from_numpy(one) for one in given])
    return [one.numpy() for one in (answer if isinstance(answer, tuple | list) else [answer])]  # pyright: ignore[reportUnknownVariableType]


def imported(repository: str, module: str) -> Any:
    """Import a module of a checkout; those of others by the same names are forgotten."""
    for name in [name for name in sys.modules if name.partition(".")[0] in {"models", "network", "src", "backbones"}]:
        del sys.modules[name]
    sys.path.insert(0, str(SOURCES / repository))
    try:
        return importlib.import_module(module)
    finally:
        sys.path.pop(0)


def reswapper() -> dict[str, np.ndarray]:
    module = filled(imported("ReSwapper", "StyleTransferModel_128").StyleTransferModel(), 1)
    (output,) = asked(module, recipe.picture("target", 32), recipe.vector("source"))
    return {"output": output}


def simswap(file: str, deep: bool, is_imagenet: bool) -> dict[str, np.ndarray]:
    made = imported("SimSwap", f"models.{file}").Generator_Adain_Upsample
    module = filled(made(3, 3, 512, n_blocks=2, deep=deep), 2)
    target, source = recipe.picture("target", 64), recipe.vector("source")
    mean = np.array([0.485, 0.456, 0.406], np.float32).reshape(1, 3, 1, 1)
    deviation = np.array([0.229, 0.224, 0.225], np.float32).reshape(1, 3, 1, 1)
    # As train.py: what goes in is normalised by its data loader, and what comes out is brought back for its samples.
    if is_imagenet:
        (output,) = asked(module, (target - mean) / deviation, source)
        return {"output": output * deviation + mean}
    (output,) = asked(module, target, source)
    return {"output": output}


def ghost(backbone: str, count: int) -> dict[str, np.ndarray]:
    length = 20.0
    module = filled(imported("ghost", "network.AEI_Net").AEI_Net(backbone, num_blocks=count, c_id=512), 3, length)
    output, _ = asked_ghost(module, recipe.picture("target", 256, low=-1.0), recipe.vector("source", length))
    return {"output": recipe.thinned(output, 4)}


def asked_ghost(module: Any, target: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, Any]:
    import torch

    with torch.inference_mode():
        picture, attributes = module(torch.from_numpy(target), torch.from_numpy(source))
    return picture.numpy(), attributes


def hyperswap(side: int, count: int) -> dict[str, np.ndarray]:
    import torch

    settings = ConfigParser()
    settings["training.model.generator"] = {
        "source_channels": "512",
        "output_size": str(side),
        "num_blocks": str(count),
    }
    settings["training.model.masker"] = {"input_channels": "67", "output_channels": "1", "num_filters": "16"}
    module = filled(imported("facefusion-labs/hyperswap", "src.models.generator").Generator(settings), 4)
    erode = imported("facefusion-labs/hyperswap", "src.helper").erode_mask
    target = torch.from_numpy(recipe.picture("target", side, low=-1.0))
    with torch.inference_mode():
        features = module.encode_features(target)
        output, mask = module(torch.from_numpy(recipe.vector("source")), target, features)
        mask = erode(mask, 0.01)
    step = side // 64
    return {"output": recipe.thinned(output.numpy(), step), "mask": recipe.thinned(mask.numpy(), step)}


def crossface() -> dict[str, np.ndarray]:
    module = filled(imported("facefusion-labs/crossface", "src.models.crossface").CrossFace(), 5)
    return {f"output {length:g}": asked(module, recipe.vector("source", length))[0] for length in (1.0, 23.0, 0.05)}


def arcface() -> dict[str, np.ndarray]:
    torch_backbones = imported("insightface/recognition/arcface_torch/backbones", "iresnet")
    module = filled(torch_backbones.IResNet(torch_backbones.IBasicBlock, [2, 1, 2, 1], fp16=False), 6)
    return {"output": asked(module, recipe.picture("face", 112, low=-1.0))[0]}


def magface() -> dict[str, np.ndarray]:
    models = imported("MagFace", "models.iresnet")
    module = filled(models.IResNet(models.IBasicBlock, [2, 1, 2, 1]), 10)
    return {"output": asked(module, recipe.picture("face", 112))[0]}


def simswap_arcface() -> dict[str, np.ndarray]:
    models = imported("SimSwap", "models.arcface_models")
    # The file lacks the function; its neighbour has it.
    models.conv3x3 = imported("SimSwap", "parsing_model.resnet").conv3x3
    module = filled(models.ResNet(models.IRBlock, [2, 1, 2, 1]), 7)
    return {"output": asked(module, recipe.picture("face", 112, low=-2.0))[0]}


def mobilefaceswap() -> dict[str, np.ndarray]:
    """Bake a face into the network and run it, in Paddle."""
    paddle = importlib.import_module("paddle")
    network = imported("MobileFaceSwap", "models.model")
    trained = network.BuildFaceSwap()
    state = paddle_state(trained, 8)
    swap = network.FaceSwap(use_gpu=False)
    # What the face does not say, the biases of the encoder and the decoder, is as it was made: zero.
    source, features = recipe.vector("source"), recipe.picture("features", 56, 512, -1.0)[:, :, ::8, ::8]
    swap.set_model_param(paddle.to_tensor(source), paddle.to_tensor(np.ascontiguousarray(features)), model_weight=state)
    swap.eval()
    output, mask = swap(paddle.to_tensor(recipe.picture("target", 64)))
    return {"output": output.numpy(), "mask": mask.numpy()}


def mobilefaceswap_arcface() -> dict[str, np.ndarray]:
    paddle = importlib.import_module("paddle")
    models = imported("MobileFaceSwap", "models.arcface")
    module = models.ResNet(models.IRBlock, [1, 1, 1, 1])
    module.set_dict(paddle_state(module, 9))
    module.eval()
    vector, features = module(paddle.to_tensor(recipe.picture("face", 112, low=-2.0)))
    return {"output": vector.numpy(), "map": features.numpy()[:, ::8]}


def paddle_state(module: Any, seed: int) -> dict[str, np.ndarray]:
    """Make the recipe's weights by Paddle's names: they are those of torch's, laid out as Paddle lays out."""
    names = {"_mean": "running_mean", "_variance": "running_var", "_weight": "weight"}
    state: dict[str, np.ndarray] = {}
    for key, one in module.state_dict().items():
        before, dot, name = key.rpartition(".")
        is_linear = len(one.shape) == 2
        shape = tuple(one.shape)[::-1] if is_linear else tuple(one.shape)
        torchs = f"{before}{dot}{names.get(name, name)}"
        numbers = recipe.weights({torchs: shape}, seed)[torchs]
        state[key] = np.ascontiguousarray(numbers.T) if is_linear else numbers
    return state


ARCHITECTURES: Mapping[str, Callable[[], dict[str, np.ndarray]]] = {
    "reswapper": reswapper,
    "simswap-224": lambda: simswap("fs_networks", False, False),
    "simswap-224-imagenet": lambda: simswap("fs_networks_fix", False, True),
    "simswap-512-beta": lambda: simswap("fs_networks_512", False, False),
    "simswap-512-deep": lambda: simswap("fs_networks_fix", True, True),
    "ghost-1-unet": lambda: ghost("unet", 1),
    "ghost-2-unet": lambda: ghost("unet", 2),
    "ghost-1-linknet": lambda: ghost("linknet", 1),
    "ghost-1-resnet": lambda: ghost("resnet", 1),
    "hyperswap-256": lambda: hyperswap(256, 2),
    "hyperswap-128": lambda: hyperswap(128, 1),
    "hyperswap-512": lambda: hyperswap(512, 1),
    "crossface": crossface,
    "arcface": arcface,
    "magface": magface,
    "simswap-arcface": simswap_arcface,
    "mobilefaceswap": mobilefaceswap,
    "mobilefaceswap-arcface": mobilefaceswap_arcface,
}

if __name__ == "__main__":
    for name in sys.argv[2:] or ARCHITECTURES:
        found = ARCHITECTURES[name]()
        cast("Any", np.savez_compressed)(HERE / f"{name}.npz", **found)
        told = {key: (one.shape, round(float(one.std()), 3), round(float(one.mean()), 3)) for key, one in found.items()}
        sys.stdout.write(f"{name} {told} {(HERE / f'{name}.npz').stat().st_size} bytes\n")
