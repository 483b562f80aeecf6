"""A checkpoint is recognised by its keys; what is not is told with what is near, and a class of one's own is taken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mien_export.contracts import ARCHITECTURES
from mien_export.custom import CustomError
from mien_export.graph import ExportError, GraphOptions, loaded, write_onnx
from mien_export.recognising import AskError, Found, RecogniseError, Said, network_for
from mien_export.seeded import seeded_checkpoint, seeded_state
from mien_models.architectures._registry import recognise
from mien_models.errors import ModelError, UnknownPluginError
from mien_models.onnx_format.graph import read_graph
from mien_models.specs.network import SIGNED_PIXELS, UNIT_PIXELS, EmbedSpec, PictureSpec, SwapSpec

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
        answer = ASKED.get((name, variant))
        found = network_for(state, Said(variant=answer))
        assert found.name == name
        assert type(found.network) is type(network)
        again = network_for(state, Said(name, variant=answer))
        assert again.network == found.network


def test_an_unknown_checkpoint_is_told_with_what_is_near() -> None:
    _, state = seeded_checkpoint(ARCHITECTURES.load("reswapper"), "128", 0)
    state["decoderPart3.0.weight"] = state.pop("decoderPart2.0.weight")
    with pytest.raises(RecogniseError, match="The nearest is reswapper") as told:
        network_for(state)
    assert " of its 64 keys are among" in str(told.value)
    assert "it has decoderPart3.0.weight for decoderPart2.0.weight" in str(told.value)
    with pytest.raises(RecogniseError, match=r"near none of them.*--arch"):
        network_for({"some.weight": torch.zeros(3)})
    with pytest.raises(UnknownPluginError, match="reswapper"):
        network_for(state, Said("reswaper"))


def test_keys_that_lie_far_from_each_other_in_the_alphabet_are_shown_when_they_are_near() -> None:
    _, state = seeded_checkpoint(ARCHITECTURES.load("ghost"), "1-block", 0)
    state = {f"aa.{number}": torch.zeros(1) for number in range(9)} | state
    state["encoder.deconvolution2.deconv.weight"] = state.pop("encoder.deconv2.deconv.weight")
    with pytest.raises(RecogniseError, match=r"it has encoder\.deconvolution2\.deconv\.weight for"):
        network_for(state)


def test_one_set_of_weights_serves_two_sizes_and_which_was_taken_is_said() -> None:
    _, state = seeded_checkpoint(ARCHITECTURES.load("reswapper"), "128", 0)
    assert side(network_for(state, Said(size_px=256))) == 256
    with pytest.raises(AskError, match="128 or 256"):
        network_for(state, Said(size_px=100))
    by_name = network_for(state, Said(path=Path("reswapper_256-1567500.pth")))
    assert side(by_name) == 256
    assert any("256 px, as its name says" in note and "--size" in note for note in by_name.notes)
    usual = network_for(state, Said(path=Path("reswapper-1019500.pth")))
    assert side(usual) == 128
    assert any("128 px" in note and "256" in note for note in usual.notes)


def test_the_size_of_a_network_whose_keys_say_it_cannot_be_given() -> None:
    _, state = seeded_checkpoint(ARCHITECTURES.load("dfl"), "df-224", 0)
    with pytest.raises(AskError, match="leave --size away"):
        network_for(state, Said(size_px=224))


def side(found: Found) -> int:
    return found.network.inputs[0].shape[1]


ASKED = {
    ("simswap", "224"): "224",
    ("simswap", "224-imagenet"): "224-imagenet",
    ("arcface", "r50"): "insightface",
    ("arcface", "r100"): "insightface",
}
OLD_OPTIONS = "------------ Options -------------\ncrop_size: 224\nlambda_GP: 10.0\nnum_D: 2\n"
NEW_OPTIONS = "------------ Options -------------\nArc_path: a.tar\nGdeep: False\nlambda_id: 30.0\n"
LEFT_BESIDE: list[tuple[dict[str, str], str | None]] = [
    ({}, None),
    ({"opt.txt": NEW_OPTIONS}, "224-imagenet"),
    ({"opt.txt": OLD_OPTIONS}, "224"),
    ({"opt.txt": "lr: 0.0004\n"}, None),
    ({"10000_net_D.pth": "", "10000_optim_G.pth": ""}, "224-imagenet"),
    ({"10000_net_D1.pth": "", "10000_net_D2.pth": ""}, "224"),
    ({"20000_net_D.pth": ""}, None),
    ({"10000_net_D1.pth": "", "opt.txt": NEW_OPTIONS}, None),
    ({"10000_net_D.pth": "", "10000_net_D1.pth": ""}, None),
]


@pytest.mark.parametrize(("beside", "variant"), LEFT_BESIDE)
def test_which_simswap_of_224_px_it_is_is_asked_unless_it_stands_beside(
    beside: dict[str, str], variant: str | None, tmp_path: Path
) -> None:
    for name, content in beside.items():
        (tmp_path / name).write_text(content)
    _, state = seeded_checkpoint(ARCHITECTURES.load("simswap"), "224", 0)
    said = Said(path=tmp_path / "10000_net_G.pth")
    if variant is None:
        with pytest.raises(AskError, match=r"--variant 224\|224-imagenet.*train\.py"):
            network_for(state, said)
        return
    found = network_for(state, said)
    assert getattr(found.network, "is_imagenet", None) is (variant == "224-imagenet")
    assert any(f"variant {variant}" in note for note in found.notes)


def test_a_variant_is_taken_only_where_there_are_some() -> None:
    _, state = seeded_checkpoint(ARCHITECTURES.load("simswap"), "224", 0)
    assert getattr(network_for(state, Said(variant="224-imagenet")).network, "is_imagenet", None)
    with pytest.raises(AskError, match=r"takes 224, 224-imagenet .*, not '256'"):
        network_for(state, Said(variant="256"))
    _, other = seeded_checkpoint(ARCHITECTURES.load("simswap"), "512-beta", 0)
    with pytest.raises(AskError, match="leave --variant away"):
        network_for(other, Said(variant="224"))


def lightning(name: str, variant: str, own: str, *others: str) -> dict[str, torch.Tensor]:
    """Make the state dict of a trainer: the network under a name, and an identity network under each of the others."""
    _, state = seeded_checkpoint(ARCHITECTURES.load(name), variant, 0)
    _, identity = seeded_checkpoint(ARCHITECTURES.load("arcface"), "r50", 0)
    whole = {f"{own}.{key}": one for key, one in state.items()}
    return whole | {f"{other}.{key}": one for other in others for key, one in identity.items()}


HYPERSWAP_GROUPS = ("generator_embedder", "loss_embedder", "reconstruction_loss.embedder", "identity_loss.embedder")


def test_the_network_of_a_trainer_is_found_beside_its_helpers() -> None:
    whole = lightning("hyperswap", "256", "generator", *HYPERSWAP_GROUPS) | {"gazer.conv1.weight": torch.zeros(1)}
    found = network_for(whole)
    network, state = seeded_checkpoint(ARCHITECTURES.load("hyperswap"), "256", 0)
    assert (found.name, found.network) == ("hyperswap", network)
    assert found.state_in(whole).keys() == state.keys()
    (note,) = [note for note in found.notes if "left out" in note]
    for group in ("generator_embedder", "gazer", "identity_loss"):
        assert group in note
    cross = lightning("crossface", "512", "crossface", "source_embedder", "target_embedder")
    found = network_for(cross, Said("crossface"))
    assert found.name == "crossface"
    assert all(not key.startswith("crossface.") for key in found.state_in(cross))
    assert network_for(cross).name == "crossface"


def test_a_network_that_stands_in_a_file_twice_is_asked_for() -> None:
    whole = lightning("crossface", "512", "crossface", "source_embedder", "target_embedder")
    with pytest.raises(RecogniseError, match=r"arcface 2 times.*--group: source_embedder, target_embedder"):
        network_for(whole, Said("arcface"))
    assert network_for(whole, Said("arcface", group="target_embedder", variant="insightface")).name == "arcface"


def test_averaged_weights_beside_the_last_ones_come_first() -> None:
    whole = lightning("ghost", "1-block", "net") | lightning("ghost", "1-block", "net_ema")
    found = network_for(whole)
    assert found.group is not None
    assert found.group.prefix == "net_ema."


@pytest.mark.parametrize("before", ["features.module.", "features."])
def test_a_checkpoint_of_magfaces_trainer_is_not_taken_for_insightfaces(before: str) -> None:
    _, state = seeded_checkpoint(ARCHITECTURES.load("arcface"), "r50", 0)
    whole = {f"{before}{key}": one for key, one in state.items()} | {"fc.weight": torch.zeros(512, 10)}
    found = network_for(whole, Said(path=Path("00025.pth")))
    assert found.state_in(whole).keys() == state.keys()
    picture, eps = seen(found)
    assert picture.colour == "bgr"
    assert (picture.scale, picture.offset) == UNIT_PIXELS
    assert eps == {2e-5}
    assert any("MagFace's trainer" in note and "--variant" in note for note in found.notes)
    assert seen(network_for(whole, Said(variant="insightface")))[0].colour == "rgb"


def test_whose_an_identity_network_is_its_name_or_the_user_says_and_else_it_is_asked() -> None:
    _, state = seeded_checkpoint(ARCHITECTURES.load("arcface"), "r50", 0)
    picture, eps = seen(network_for(state, Said(path=Path("backbone.pth"))))
    assert picture.colour == "rgb"
    assert (picture.scale, picture.offset) == SIGNED_PIXELS
    assert eps == {1e-5}
    assert seen(network_for(state, Said(path=Path("MagFace_r100.pth"))))[0].colour == "bgr"
    assert seen(network_for(state, Said(variant="magface")))[0].colour == "bgr"
    with pytest.raises(AskError, match=r"--variant insightface\|magface"):
        network_for(state, Said(path=Path("model.pt")))


def seen(found: Found) -> tuple[PictureSpec, set[float]]:
    """How it sees a face, and the epsilons of its norms."""
    spec = found.network.spec(has_map=False)
    assert isinstance(spec, EmbedSpec)
    norms = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)
    build: Any = found.network.build
    return spec.picture, {one.eps for one in build().modules() if isinstance(one, norms)}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "tinting.py").write_text(CLASS)
    (tmp_path / "tint.toml").write_text(MANIFEST)
    return tmp_path / "tint.toml"


@pytest.mark.filterwarnings("ignore")
def test_a_class_of_ones_own_is_exported_with_its_manifest(own: Path, tmp_path: Path) -> None:
    found = network_for({}, Said("tinting:Tint", own))
    state = seeded_state(found.network, 0)
    path = write_onnx(found.network, state, tmp_path / "tint.onnx", GraphOptions())
    (spec,) = recognise(read_graph(path.read_bytes(), path.name), path.name).specs.values()
    assert isinstance(spec, SwapSpec)
    assert spec.identity.length == 8


def test_a_wrong_class_or_manifest_is_one_sentence(own: Path) -> None:
    with pytest.raises(CustomError, match="--manifest"):
        network_for({}, Said("tinting:Tint"))
    with pytest.raises(CustomError, match="as package"):
        network_for({}, Said("tinting:Tin", own))
    with pytest.raises(CustomError, match="Module"):
        network_for({}, Said("os:path", own))
    with pytest.raises(RecogniseError, match="--arch"):
        network_for({}, Said(manifest=own))
    own.write_text(MANIFEST.replace("size_px = 64", 'size_px = "64"'))
    with pytest.raises(ModelError, match="size_px"):
        network_for({}, Said("tinting:Tint", own))
    own.write_text(MANIFEST.replace("length = 8\n\n[network]", "width = 8\n\n[network]"))
    with pytest.raises(CustomError, match="arguments"):
        network_for({}, Said("tinting:Tint", own)).network.build()


def test_a_wrong_architecture_or_group_is_told_with_the_right_one() -> None:
    _, state = seeded_checkpoint(ARCHITECTURES.load("crossface"), "512", 0)
    with pytest.raises(RecogniseError, match=r"is of crossface, not of ghost; leave --arch away"):
        network_for(state, Said("ghost"))
    whole = lightning("crossface", "512", "crossface", "source_embedder")
    with pytest.raises(RecogniseError, match=r"No key begins with 'generator'; .* crossface, source_embedder\."):
        network_for(whole, Said(group="generator"))


def test_nobody_is_asked_about_weights_that_are_not_all_there() -> None:
    _, state = seeded_checkpoint(ARCHITECTURES.load("simswap"), "224", 0)
    half = dict(list(state.items())[::2])
    with pytest.raises(RecogniseError, match=r"keys of simswap, but lacks .* and \d+ more"):
        network_for(half)


def broken(weights: torch.Tensor) -> torch.Tensor:
    return weights * float("nan")


def quantised(weights: torch.Tensor) -> torch.Tensor:
    return (weights * 100).long()


@pytest.mark.parametrize(
    ("change", "told"), [(broken, r"not finite, in linear\.weight"), (quantised, r"linear\.weight is int64")]
)
def test_weights_that_are_no_numbers_are_refused_before_anything_is_written(
    change: Callable[[torch.Tensor], torch.Tensor], told: str
) -> None:
    network, state = seeded_checkpoint(ARCHITECTURES.load("crossface"), "512", 0)
    with pytest.raises(ExportError, match=told):
        loaded(network, state | {"linear.weight": change(state["linear.weight"])})
