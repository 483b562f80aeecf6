"""Modules and exported files give what the code gave that each network was published with; see `golden/ORIGIN.md`."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.export.networks.golden import recipe
from torch import Tensor

from mien_export.architectures import arcface, crossface, ghost, hyperswap, mobilefaceswap, reswapper, simswap
from mien_export.architectures._mobilefaceswap_face import FaceWeights, with_face
from mien_export.architectures.simswap_arcface import SimSwapArcFace, SimSwapArcFaceModule
from mien_export.checkpoint import CheckpointError
from mien_export.contracts import Network
from mien_export.graph import GraphOptions, loaded, write_onnx
from mien_export.seeded import LAST_COUNTER
from mien_models.runtimes.ort.library import onnxruntime

GOLDEN = Path(__file__).parent / "golden"
Numbers = NDArray[np.float32]
TOLERANCE = 1e-4
"""Of black to white, and of a vector's length: the order of sums alone."""


def shrunk(variant: str) -> Network:
    """Give SimSwap with two blocks and 64 px, as the fixtures were made."""
    return replace(simswap.PLUGIN.published[variant], blocks=2, size_px=64)  # type: ignore[type-var]


NETWORKS: dict[str, tuple[Network, int, float]] = {
    "reswapper": (replace(reswapper.PUBLISHED, size_px=32), 1, 1.0),
    "simswap-224": (shrunk("224"), 2, 1.0),
    "simswap-224-imagenet": (shrunk("224-imagenet"), 2, 1.0),
    "simswap-512-beta": (shrunk("512-beta"), 2, 1.0),
    "simswap-512-deep": (shrunk("512-unofficial"), 2, 1.0),
    "hyperswap-128": (hyperswap.HyperSwap(1, size_px=128), 4, 1.0),
    "arcface": (arcface.ArcFace((2, 1, 2, 1)), 6, 1.0),
    "magface": (arcface.ArcFace((2, 1, 2, 1), is_magface=True), 10, 1.0),
    "simswap-arcface": (SimSwapArcFace((2, 1, 2, 1)), 7, 1.0),
}
LARGE: dict[str, tuple[Network, int, float]] = {
    "ghost-1-unet": (ghost.Ghost(1), 3, 20.0),
    "ghost-2-unet": (ghost.Ghost(2), 3, 20.0),
    "ghost-1-linknet": (ghost.Ghost(1, "linknet"), 3, 20.0),
    "ghost-1-resnet": (ghost.Ghost(1, "resnet"), 3, 20.0),
    "hyperswap-256": (hyperswap.HyperSwap(2), 4, 1.0),
    "hyperswap-512": (hyperswap.HyperSwap(1, size_px=512), 4, 1.0),
}
LOWEST = {"arcface": -1.0, "simswap-arcface": -2.0, "ghost": -1.0, "hyperswap": -1.0}
SEES_FACES = {"arcface", "magface", "simswap-arcface"}
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in LARGE]


def told(name: str) -> dict[str, Numbers]:
    """Read what the original gave."""
    with np.load(GOLDEN / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}


def state_of(network: Network, seed: int, length: float = 1.0) -> dict[str, Tensor]:
    """Make the recipe's weights for our own keys."""
    with torch.device("meta"):
        like = network.build().state_dict()
    shapes = {key: tuple(one.shape) for key, one in like.items() if LAST_COUNTER not in key}
    return {key: torch.from_numpy(one) for key, one in recipe.weights(shapes, seed, length).items()}


def inputs_of(name: str, network: Network, length: float) -> dict[str, Numbers]:
    """Make what the original was given."""
    low = next((one for beginning, one in LOWEST.items() if name.startswith(beginning)), 0.0)
    given: dict[str, Numbers] = {}
    for port in network.inputs:
        if port.is_vector:
            given[port.name] = recipe.vector("source", length)
        else:
            given[port.name] = recipe.picture("face" if name in SEES_FACES else "target", port.shape[1], low=low)
    return given


def by_torch(network: Network, state: Mapping[str, Tensor], given: Mapping[str, Numbers]) -> dict[str, Numbers]:
    module: Any = network.deployed(loaded(network, state), None).eval()
    with torch.inference_mode():
        answer = module(*[torch.from_numpy(given[port.name]) for port in network.inputs])
    answers = [answer] if isinstance(answer, Tensor) else list(answer)
    return {port.name: one.numpy() for port, one in zip(network.outputs, answers, strict=True)}


def by_file(path: Path, given: Mapping[str, Numbers], names: list[str]) -> dict[str, Numbers]:
    session = cast("Any", onnxruntime).InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(names, dict(given)), strict=True))


def assert_same(found: Mapping[str, Numbers], expected: Mapping[str, Numbers]) -> None:
    for output, theirs in expected.items():
        ours = found[output]
        step = ours.shape[-1] // theirs.shape[-1] if ours.ndim == 4 else 1
        ours = recipe.thinned(ours, step)
        scale = float(np.linalg.norm(theirs)) if theirs.ndim == 2 else 1.0
        assert ours.shape == theirs.shape
        assert theirs.std() > 0.01, "the original shows something"
        assert np.abs(ours - theirs).max() / scale < TOLERANCE, output


@pytest.mark.parametrize("name", [*NETWORKS, *SLOW])
def test_a_module_gives_what_the_original_gave(name: str) -> None:
    network, seed, length = (NETWORKS | LARGE)[name]
    assert_same(by_torch(network, state_of(network, seed, length), inputs_of(name, network, length)), told(name))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["simswap-224-imagenet", "arcface", *SLOW])
def test_an_exported_file_gives_what_the_original_gave(name: str, tmp_path: Path) -> None:
    network, seed, length = (NETWORKS | LARGE)[name]
    path = write_onnx(network, state_of(network, seed, length), tmp_path / "net.onnx", GraphOptions(batch=1))
    given = inputs_of(name, network, length)
    assert_same(by_file(path, given, [port.name for port in network.outputs]), told(name))


@pytest.mark.filterwarnings("ignore")
def test_a_converter_takes_vectors_of_any_length_as_the_original_does(tmp_path: Path) -> None:
    network = crossface.CrossFace()
    state = state_of(network, 5)
    path = write_onnx(network, state, tmp_path / "net.onnx", GraphOptions())
    for name, theirs in told("crossface").items():
        given = {"input": recipe.vector("source", float(name.split()[1]))}
        assert_same(by_torch(network, state, given), {"output": theirs})
        assert_same(by_file(path, given, ["output"]), {"output": theirs})


def trained_part() -> dict[str, Tensor]:
    """Make the recipe's weights of what MobileFaceSwap makes a face's network with."""
    shapes = {
        key: tuple(one.shape) for key, one in FaceWeights(32, 512).state_dict().items() if LAST_COUNTER not in key
    }
    whole = state_of(mobilefaceswap.PUBLISHED, 8)
    shared = {key: one for key, one in whole.items() if key.startswith(("final.", "mask."))}
    return shared | {key: torch.from_numpy(one) for key, one in recipe.weights(shapes, 8).items()}


def test_a_face_that_is_baked_into_mobilefaceswap_is_the_one_that_paddle_bakes() -> None:
    features = np.ascontiguousarray(recipe.picture("features", 56, 512, -1.0)[:, :, ::8, ::8])
    state = with_face(trained_part(), torch.from_numpy(recipe.vector("source")), torch.from_numpy(features))
    network = replace(mobilefaceswap.PUBLISHED, size_px=64)
    assert_same(by_torch(network, state, {"target": recipe.picture("target", 64)}), told("mobilefaceswap"))


def test_a_face_is_not_baked_into_half_of_the_weights() -> None:
    state = trained_part()
    narrow = state["predictor.first.weight"][:3]
    for broken in ({"DecoderModulation.3.weight": None}, {"predictor.first.weight": narrow}):
        (key,) = broken
        whole = {one: numbers for one, numbers in (state | broken).items() if numbers is not None}
        with pytest.raises(CheckpointError, match=rf"1 of \d+ are missing or of another shape, first {key}"):
            with_face(whole, torch.from_numpy(recipe.vector("source")), torch.zeros(1, 512, 7, 7))


def test_simswaps_identity_network_sees_in_torch_what_it_sees_in_paddle() -> None:
    network = SimSwapArcFace((1, 1, 1, 1))
    module = loaded(network, state_of(network, 9))
    assert isinstance(module, SimSwapArcFaceModule)
    with torch.inference_mode():
        features, vector = module.map_and_vector(torch.from_numpy(recipe.picture("face", 112, low=-2.0)))
    expected = told("mobilefaceswap-arcface")
    assert_same({"output": vector.numpy()}, {"output": expected["output"]})
    assert np.abs(features.numpy()[:, ::8] - expected["map"]).max() < TOLERANCE * 10


def test_every_fixture_is_small_and_used() -> None:
    files = {path.stem: path.stat().st_size for path in GOLDEN.glob("*.npz")}
    assert set(files) == {*NETWORKS, *LARGE, "crossface", "mobilefaceswap", "mobilefaceswap-arcface"}
    assert max(files.values()) < 200_000
