"""Every architecture has the keys of its published checkpoints, and its ONNX file gives what the module gives."""

import dataclasses
import gc
import hashlib
import sys
import weakref
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from mien_export.architectures import reswapper
from mien_export.contracts import ARCHITECTURES, Network
from mien_export.graph import ExportError, GraphOptions, loaded, simplified, traced, write_onnx
from mien_export.seeded import LAST_COUNTER, example, seeded_checkpoint, seeded_inputs
from mien_models.architectures._registry import UNKNOWN_TERMS, recognise
from mien_models.onnx_format.graph import read_graph
from mien_models.runtimes.ort.library import onnxruntime

KEYS = {
    ("arcface", "r50"): (396, 43628992, "74c7ae66d980777c"),
    ("arcface", "r100"): (771, 65225792, "fd6bcba07ec9af82"),
    ("crossface", "512"): (16, 5518336, "91f2cc009f3a43e2"),
    ("dfl", "df-224"): (70, 83524480, "1d9854af298bbb42"),
    ("dfl", "liae-224"): (48, 111675008, "2629f55e5a4d1fa5"),
    ("ghost", "1-block"): (210, 128479245, "f5f0d6c2010981f3"),
    ("ghost", "2-block"): (298, 184353493, "3b53c12fb50aeebb"),
    ("ghost", "3-block"): (386, 240227741, "a80f5878e52ec7aa"),
    ("ghost", "1-block-linknet"): (210, 112758797, "0915fb002029572f"),
    ("ghost", "2-block-linknet"): (298, 164786901, "532597fe2e36fd4b"),
    ("ghost", "1-block-resnet"): (365, 80226765, "7c789067e94c2a30"),
    ("ghost", "2-block-resnet"): (453, 136101013, "3c12abb8834c7ba7"),
    ("hyperswap", "256"): (331, 201252502, "feb3dcce15b5a971"),
    ("hyperswap", "128"): (299, 119443092, "2a9bb046550fb51a"),
    ("hyperswap", "512"): (363, 249502360, "4e2e9a71278519c7"),
    ("hyperswap", "1024"): (395, 555721370, "7974af3db0c08c6d"),
    ("mobilefaceswap", "224"): (92, 500315, "da4dcad53b09a933"),
    ("mobilefaceswap", "256"): (92, 500315, "da4dcad53b09a933"),
    ("reswapper", "128"): (64, 138292739, "f28040065ec786e3"),
    ("reswapper", "256"): (64, 138292739, "f28040065ec786e3"),
    ("simswap", "224"): (116, 55054595, "e80dfc9e259feb4e"),
    ("simswap", "224-imagenet"): (116, 55054595, "e80dfc9e259feb4e"),
    ("simswap", "512-beta"): (128, 55082371, "f2117701a0453a32"),
    ("simswap", "512-unofficial"): (128, 59778307, "431a1107c372c537"),
    ("simswap_arcface", "112"): (691, 52244159, "3d9908accd7a254a"),
}
"""Number of tensors, of weights, and the start of the sha256 of the sorted lines 'key [shape]', of the public classes
at the commits that `golden/ORIGIN.md` names; DFL's are our own, and MobileFaceSwap's are Paddle's by torch's names."""
VARIANTS = [(name, variant) for name in ARCHITECTURES.names() for variant in ARCHITECTURES.load(name).published]
FOR_EXPORT = [
    ("arcface", "r50"),
    ("crossface", "512"),
    ("ghost", "1-block"),
    ("ghost", "1-block-linknet"),
    ("ghost", "1-block-resnet"),
    ("hyperswap", "128"),
    ("simswap_arcface", "112"),
    ("dfl", "df-224"),
    ("dfl", "liae-224"),
    ("hyperswap", "256"),
    ("mobilefaceswap", "224"),
    ("reswapper", "128"),
    ("simswap", "224"),
    ("simswap", "224-imagenet"),
    ("simswap", "512-beta"),
    ("simswap", "512-unofficial"),
]
Written = tuple[Network, dict[str, torch.Tensor], Path]
"""A network, its weights, and the file of them."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Written]:
    """Export each small network once."""

    @cache
    def write(name: str, variant: str) -> Written:
        network, state = seeded_checkpoint(ARCHITECTURES.load(name), variant, seed=1)
        return network, state, write_onnx(network, state, tmp_path_factory.mktemp(name) / "tiny.onnx", GraphOptions())

    return write


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_the_published_sizes_have_the_published_keys_and_are_known_by_them(name: str, variant: str) -> None:
    network = ARCHITECTURES.load(name).published[variant]
    with torch.device("meta"):
        state = network.build().state_dict()
    shapes = {key: tuple(one.shape) for key, one in state.items() if LAST_COUNTER not in key}
    lines = "\n".join(sorted(f"{key} {list(shape)}" for key, shape in shapes.items()))
    digest = hashlib.sha256(lines.encode()).hexdigest()[:16]
    weights = sum(int(np.prod(shape)) for shape in shapes.values())
    assert (len(shapes), weights, digest) == KEYS[name, variant]
    known = {other for other in ARCHITECTURES.names() if ARCHITECTURES.load(other).recognise(shapes) is not None}
    assert known == {name}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_a_network_of_full_size_becomes_a_graph(name: str, variant: str) -> None:
    network = ARCHITECTURES.load(name).published[variant]
    with torch.device("meta"):
        like = network.build().state_dict()
    # Memory that is never written to costs none: what is looked for here is what only large constants meet.
    state = {key: torch.zeros(*one.shape) for key, one in like.items() if LAST_COUNTER not in key}
    parts = simplified(traced(network.deployed(loaded(network, state), None).eval(), network, None))
    assert parts.inputs == [port.name for port in network.inputs]
    assert parts.light.ByteSize() < 4_000_000
    onnx.checker.check_model(parts.light, full_check=True)


def _run(path: Path, inputs: dict[str, torch.Tensor]) -> list[NDArray[np.float32]]:
    session = cast("Any", onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]))
    return cast("list[NDArray[np.float32]]", session.run(None, {name: one.numpy() for name, one in inputs.items()}))


def _reference(module: torch.nn.Module, arguments: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    with torch.inference_mode():
        given: torch.Tensor | tuple[torch.Tensor, ...] = module(*arguments)
    return list(given) if isinstance(given, tuple) else [given]


@pytest.mark.parametrize(("name", "variant"), FOR_EXPORT)
def test_the_onnx_file_gives_what_the_module_gives(
    name: str, variant: str, written: Callable[[str, str], Written]
) -> None:
    network, state, path = written(name, variant)
    module = network.deployed(loaded(network, state), None).eval()
    found: list[NDArray[np.float32]] = []
    for batch in (1, 2, 4):
        inputs = seeded_inputs(network, batch, batch)
        references = _reference(module, example(inputs, network))
        exact = _reference(module.double(), tuple(one.double() for one in example(inputs, network)))
        module.float()
        found = _run(path, inputs)
        assert [one.shape[0] for one in found] == [batch] * len(network.outputs)
        for ours, theirs, best in zip(found, references, exact, strict=True):
            # Norms over a few pixels enlarge rounding: no fp32 computation can be asked for more than it has.
            rounding = float((theirs.double() - best).abs().max().item())
            assert np.abs(ours - theirs.numpy()).max() < max(1e-4, 20 * rounding)
    pictures = [one for port, one in zip(network.outputs, found, strict=True) if not port.is_vector]
    for picture in pictures:
        assert picture.std() > (0.01 if picture.shape[1] == 3 else 0.001), "flat"
        assert np.mean(np.abs(picture) > 0.999) < 0.3, "burnt out"


@pytest.mark.parametrize(("name", "variant"), FOR_EXPORT)
def test_what_is_stamped_into_a_file_is_what_its_family_makes_of_it_without_the_stamp(
    name: str, variant: str, written: Callable[[str, str], Written]
) -> None:
    network, _, path = written(name, variant)
    graph = read_graph(path.read_bytes(), path.name)
    spec = network.spec(has_map=False)
    stamped = recognise(graph, path.name)
    assert list(stamped.specs.values()) == [spec]
    assert stamped.terms == UNKNOWN_TERMS
    bare = dataclasses.replace(graph, stamps={})
    # A sixteenth of the channels bears no marks of the family, so that it is named here.
    assert spec in recognise(bare, path.name, family=spec.architecture).specs.values()


@pytest.mark.parametrize(("name", "variant"), [("reswapper", "128"), ("simswap", "224"), ("hyperswap", "256")])
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_flat_pictures_stay_finite(name: str, variant: str, level: float, tmp_path: Path) -> None:
    network, state = seeded_checkpoint(ARCHITECTURES.load(name), variant, seed=2)
    path = write_onnx(network, state, tmp_path / "tiny.onnx", GraphOptions())
    inputs = seeded_inputs(network, 1, 1)
    inputs["target"] = torch.full(tuple(inputs["target"].shape), level)
    module = network.deployed(loaded(network, state), None).eval()
    for ours, theirs in zip(_run(path, inputs), _reference(module, example(inputs, network)), strict=True):
        assert np.isfinite(ours).all()
        assert np.abs(ours - theirs.numpy()).max() < 0.02


def test_weights_are_let_go_when_they_are_written(tmp_path: Path) -> None:
    network, state = seeded_checkpoint(ARCHITECTURES.load("crossface"), "512", seed=1)
    arrays = {key: one.numpy().copy() for key, one in state.items()}
    largest = weakref.ref(arrays[max(arrays, key=lambda key: arrays[key].size)])
    state = {key: torch.from_numpy(arrays.pop(key)) for key in list(arrays)}
    write_onnx(network, state, tmp_path / "tiny.onnx", GraphOptions())
    del state
    gc.collect()
    assert largest() is None


def test_making_a_file_says_each_step_and_keeps_no_word_of_a_network_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network, state = seeded_checkpoint(ARCHITECTURES.load("crossface"), "512", seed=1)
    said: list[tuple[str, float | None]] = []
    exporter = torch.onnx.export

    def talkative(*given: Any, **named: Any) -> Any:
        sys.stdout.write("a network's own words\n")
        return exporter(*given, **named)

    monkeypatch.setattr(torch.onnx, "export", talkative)
    write_onnx(
        network, state, tmp_path / "tiny.onnx", GraphOptions(), lambda text, share=None: said.append((text, share))
    )
    assert [text.partition(":")[0] for text, _ in said] == [f"making the file, {step} of 7" for step in range(1, 8)]
    assert said[1][0].endswith("tracing the network")
    assert [share for _, share in said] == pytest.approx([step / 7 for step in range(7)])
    assert capsys.readouterr().out == "a network's own words\n"


def test_a_norm_with_its_epsilon_added_by_hand_does_not_survive_the_exporter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_hand(features: torch.Tensor) -> torch.Tensor:
        less = features - features.mean((2, 3), keepdim=True)
        return less * ((less * less).mean((2, 3), keepdim=True) + 1e-8).rsqrt()

    network, state = seeded_checkpoint(ARCHITECTURES.load("reswapper"), "128", seed=2)
    for part in ("weight", "bias"):
        state[f"style_blocks.0.conv1.{part}"].mul_(0)
    inputs = seeded_inputs(network, 1, 1)
    ours = write_onnx(network, state, tmp_path / "ours.onnx", GraphOptions())
    assert np.isfinite(_run(ours, inputs)[0]).all()
    monkeypatch.setattr(reswapper, "strict_norm", by_hand)
    theirs = write_onnx(network, state, tmp_path / "theirs.onnx", GraphOptions())
    assert not np.isfinite(_run(theirs, inputs)[0]).all()


def test_the_identity_map_and_the_stamp_are_inside(tmp_path: Path) -> None:
    network, state = seeded_checkpoint(ARCHITECTURES.load("reswapper"), "128", seed=3)
    matrix = torch.randn(512, 512, generator=torch.Generator().manual_seed(3))
    plain = write_onnx(network, state, tmp_path / "plain.onnx", GraphOptions(batch=1))
    mapped = write_onnx(network, state, tmp_path / "mapped.onnx", GraphOptions(batch=1, identity_map=matrix))
    inputs = seeded_inputs(network, 5, 1)
    through = torch.nn.functional.normalize(inputs["source"] @ matrix)
    expected = _run(plain, {**inputs, "source": through})[0]
    assert np.abs(_run(mapped, inputs)[0] - expected).max() < 1e-4
    assert np.abs(_run(plain, inputs)[0] - expected).max() > 0.01
    recognised = recognise(read_graph(mapped.read_bytes(), "mapped"), "mapped")
    assert list(recognised.specs.values()) == [network.spec(has_map=True)]


def test_every_key_that_does_not_fit_is_named() -> None:
    network, state = seeded_checkpoint(ARCHITECTURES.load("reswapper"), "128", seed=3)
    state["other.weight"] = state.pop("decoder.0.bias")
    state["decoder.0.weight"] = torch.zeros(1, 2)
    with pytest.raises(ExportError, match=r"missing: decoder\.0\.bias; unexpected: other\.weight; of another shape"):
        loaded(network, state)
