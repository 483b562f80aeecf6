"""A checkpoint is recognised by its keys; what is not is told with what is near, and a class of one's own is taken."""

from pathlib import Path

import pytest
import torch

from mien_export.contracts import ARCHITECTURES
from mien_export.custom import CustomError
from mien_export.graph import GraphOptions, write_onnx
from mien_export.recognising import RecogniseError, network_for
from mien_export.seeded import seeded_checkpoint, seeded_state
from mien_models.errors import ModelError, UnknownPluginError
from mien_models.family import recognise
from mien_models.onnx_file import read_graph
from mien_models.spec import SwapSpec

MANIFEST = """
source_norm = 1.0

[[inputs]]
name = "target"
shape = [3, 64, 64]

[[inputs]]
name = "source"
shape = [8]

[[outputs]]
name = "output"
shape = [3, 64, 64]

[arguments]
length = 8

[network]
kind = "swapper"
architecture = "inswapper"

[network.crop]
template = "arcface_128"
size_px = 64
scale = [0.00392156862745098, 0.00392156862745098, 0.00392156862745098]
offset = [0.0, 0.0, 0.0]

[network.output]
scale = 255.0
offset = 0.0

[network.identity]
form = "vector"
network = "arcface_w600k_r50"
length = 8

[network.names]
target = "target"
output = "output"
source = "source"
"""
CLASS = """
from torch import nn

class Tint(nn.Module):
    def __init__(self, length):
        super().__init__()
        self.colour = nn.Linear(length, 3)
        self.paint = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, target, source):
        return (self.paint(target) + self.colour(source)[:, :, None, None]).sigmoid()
"""


@pytest.mark.parametrize("name", ARCHITECTURES.names())
def test_every_architecture_is_recognised_and_no_other_claims_it(name: str) -> None:
    for variant in ARCHITECTURES.load(name).tiny:
        network, state = seeded_checkpoint(ARCHITECTURES.load(name), variant, 0)
        found = network_for(state)
        assert found.name == name
        assert type(found.network) is type(network)
        assert network_for(state, name).network == found.network


def test_an_unknown_checkpoint_is_told_with_what_is_near() -> None:
    _, state = seeded_checkpoint(ARCHITECTURES.load("reswapper"), "128", 0)
    del state["decoderPart2.0.weight"]
    with pytest.raises(RecogniseError, match="The nearest is reswapper"):
        network_for(state)
    with pytest.raises(RecogniseError, match="--arch"):
        network_for({"some.weight": torch.zeros(3)})
    with pytest.raises(UnknownPluginError, match="reswapper"):
        network_for(state, "reswaper")


def test_one_set_of_weights_serves_two_sizes() -> None:
    _, state = seeded_checkpoint(ARCHITECTURES.load("reswapper"), "128", 0)
    assert network_for(state, size_px=256).network.inputs[0].shape == (3, 256, 256)
    with pytest.raises(RecogniseError, match="128 or 256"):
        network_for(state, size_px=100)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "tinting.py").write_text(CLASS)
    (tmp_path / "tint.toml").write_text(MANIFEST)
    return tmp_path / "tint.toml"


@pytest.mark.filterwarnings("ignore")
def test_a_class_of_ones_own_is_exported_with_its_manifest(own: Path, tmp_path: Path) -> None:
    found = network_for({}, "tinting:Tint", manifest=own)
    state = seeded_state(found.network, 0)
    path = write_onnx(found.network, state, tmp_path / "tint.onnx", GraphOptions())
    (spec,) = recognise(read_graph(path.read_bytes(), path.name), path.name).specs.values()
    assert isinstance(spec, SwapSpec)
    assert spec.identity.length == 8


def test_a_wrong_class_or_manifest_is_one_sentence(own: Path) -> None:
    with pytest.raises(CustomError, match="--manifest"):
        network_for({}, "tinting:Tint")
    with pytest.raises(CustomError, match="as package"):
        network_for({}, "tinting:Tin", manifest=own)
    with pytest.raises(CustomError, match="Module"):
        network_for({}, "os:path", manifest=own)
    with pytest.raises(RecogniseError, match="--arch"):
        network_for({}, manifest=own)
    own.write_text(MANIFEST.replace("size_px = 64", 'size_px = "64"'))
    with pytest.raises(ModelError, match="size_px"):
        network_for({}, "tinting:Tint", manifest=own)
    own.write_text(MANIFEST.replace("length = 8\n\n[network]", "width = 8\n\n[network]"))
    with pytest.raises(CustomError, match="arguments"):
        network_for({}, "tinting:Tint", manifest=own).network.build()
