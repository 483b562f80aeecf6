"""The folder of models: what is added is recognised, tried and kept whole, or leaves nothing behind."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.models.adding import added, everything_in
from tests.onnx_networks import arcface_network, dfm_network, inswapper_network

from mien_models.architectures._registry import LICENCE_STAMP, STAMP, stamp_of
from mien_models.errors import ModelError, UsageError
from mien_models.library.add import chosen
from mien_models.library.inspect import look_at, needed_networks, recheck
from mien_models.library.self_test import ANSWER, try_out
from mien_models.library.store import ModelLibrary
from mien_models.specs.network import SwapSpec


class Bomb:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('a pickle was run')",))


def test_a_file_becomes_a_model(library: ModelLibrary, tmp_path: Path) -> None:
    source = dfm_network(tmp_path / "Some Face.dfm")
    result = added(library, source)
    assert library.names() == ("some_face",)
    stored = library.find("some_face")
    assert stored == result.stored
    assert result.run_ms > 0
    assert stored.manifest.network.architecture == "dfm"
    assert stored.manifest.origin == "Some Face.dfm"
    assert stored.weights() == source.read_bytes()
    assert everything_in(library) == ["manifest.toml", "some_face", "some_face.dfm"]
    recheck(stored)
    library.remove("some_face")
    assert everything_in(library) == []
    assert source.exists()


def test_what_a_swapper_needs_gets_the_name_that_it_asks_for(library: ModelLibrary, tmp_path: Path) -> None:
    swapper = added(library, inswapper_network(tmp_path / "inswapper_128.onnx")).stored.manifest
    identity = added(library, arcface_network(tmp_path / "w600k_r50.onnx")).stored.manifest
    assert needed_networks(swapper.network) == (identity.name,)
    assert swapper.licence.name == "unknown"


def test_an_identity_map_that_was_thrown_away_is_asked_for_and_kept(library: ModelLibrary, tmp_path: Path) -> None:
    model = onnx.load(str(inswapper_network(tmp_path / "whole.onnx")))
    emap = numpy_helper.to_array(model.graph.initializer.pop())
    onnx.save(model, str(tmp_path / "slim.onnx"))
    with pytest.raises(UsageError, match="--map"):
        added(library, tmp_path / "slim.onnx")
    for wrong in (emap[:3], np.full_like(emap, np.nan), np.array([Bomb()], object)):
        np.save(tmp_path / "emap.npy", wrong)
        with pytest.raises(ModelError, match=r"emap\.npy"):
            added(library, tmp_path / "slim.onnx", map_file=tmp_path / "emap.npy")
    assert everything_in(library) == []
    np.save(tmp_path / "emap.npy", emap)
    stored = added(library, tmp_path / "slim.onnx", map_file=tmp_path / "emap.npy").stored
    np.testing.assert_array_equal(stored.side_map(), emap)
    (stored.folder / "emap.npy").unlink()
    with pytest.raises(ModelError, match=r"emap\.npy"):
        recheck(stored)


def test_an_identity_map_that_the_graph_applies_is_not_applied_again(tmp_path: Path) -> None:
    path = inswapper_network(tmp_path / "net.onnx")
    model = onnx.load(str(path))
    for node in model.graph.node:
        node.input[:] = ["mapped" if name == "source" else name for name in node.input]
    model.graph.node.insert(0, helper.make_node("MatMul", ["source", "emap"], ["mapped"]))
    onnx.save(model, str(tmp_path / "fused.onnx"))
    maps: list[str] = []
    for file in (path, tmp_path / "fused.onnx"):
        spec = look_at(file).found.specs[""]
        assert isinstance(spec, SwapSpec)
        maps.append(spec.identity.map)
    assert maps == ["graph", "none"]


def test_a_stamped_file_needs_no_question_and_carries_its_licence(library: ModelLibrary, tmp_path: Path) -> None:
    path = dfm_network(tmp_path / "net.onnx")
    spec = look_at(path).found.specs[""]
    model = onnx.load(str(path))
    terms = '{"name": "CC0-1.0", "sentence": "Free for any use."}'
    helper.set_model_props(model, {STAMP: stamp_of(spec), LICENCE_STAMP: terms})
    onnx.save(model, str(path))
    manifest = added(library, path).stored.manifest
    assert manifest.network == spec
    assert manifest.licence.sentence == "Free for any use."


def test_a_licence_that_the_user_names_counts(library: ModelLibrary, tmp_path: Path) -> None:
    terms = added(library, dfm_network(tmp_path / "a.dfm"), licence="CC-BY-4.0").stored.manifest.licence
    assert terms.name == "CC-BY-4.0"
    assert "CC-BY-4.0" in terms.sentence


def test_only_what_cannot_be_seen_is_asked() -> None:
    from tests.contracts.test_families import OUTLINES

    from mien_models.architectures._registry import recognise

    found = recognise(OUTLINES["simswap"][1], "net")
    with pytest.raises(UsageError, match=r"--answer imagenet\|unit\|own"):
        chosen(found, None, "net")
    with pytest.raises(UsageError, match="'both'"):
        chosen(found, "both", "net")
    spec = chosen(found, "unit", "net")
    assert isinstance(spec, SwapSpec)
    assert spec.crop.offset == (0, 0, 0)


@pytest.mark.parametrize(
    ("gain", "bias", "what"),
    [(0, 0.5, "single colour"), (float("nan"), 0, "no numbers"), (1000, 0, "far outside")],
)
def test_a_network_that_answers_nonsense_leaves_nothing(
    library: ModelLibrary, tmp_path: Path, gain: float, bias: float, what: str
) -> None:
    with pytest.raises(ModelError, match=what):
        added(library, dfm_network(tmp_path / "bad.dfm", gain=gain, bias=bias))
    assert everything_in(library) == []


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("ConstantOfShape", ["many"], ["lots"]),
        helper.make_node("NoSuchOperator", ["in_face:0"], ["lots"]),
        helper.make_node("Own", ["in_face:0"], ["lots"], domain="somebody"),
    ],
)
def test_a_network_that_cannot_run_leaves_nothing(library: ModelLibrary, tmp_path: Path, node: Any) -> None:
    used = helper.make_node("Identity", ["lots"], ["out_celeb_face_mask:0"])
    path = dfm_network(tmp_path / "bad.dfm", more=[node, used])
    model = onnx.load(str(path))
    model.graph.output.append(helper.make_tensor_value_info("out_celeb_face_mask:0", TensorProto.FLOAT, None))
    onnx.save(model, str(path))
    with pytest.raises(ModelError, match=r"bad") as refusal:
        added(library, path)
    assert "\n" not in str(refusal.value)
    assert everything_in(library) == []


def noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(5000))


def cut(path: Path) -> None:
    path.write_bytes(dfm_network(path).read_bytes()[:-200])


def folder(path: Path) -> None:
    path.mkdir()


def endless_link(path: Path) -> None:
    path.symlink_to(path)


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps(Bomb()))


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 * 2**30)


def another_network(path: Path) -> None:
    model = onnx.load(str(dfm_network(path)))
    model.graph.input[0].name = "picture"
    onnx.save(model, str(path))


@pytest.mark.parametrize("make", [noise, cut, folder, endless_link, pickled, huge, another_network])
def test_what_is_no_model_is_refused_in_one_sentence(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "mine.onnx"
    make(path)
    with pytest.raises(ModelError, match=r"mine\.onnx") as refusal:
        look_at(path)
    assert "\n" not in str(refusal.value)


def test_a_wrong_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="inswapper"):
        look_at(dfm_network(tmp_path / "a.dfm"), family="inswapper")


def test_a_network_that_ends_its_program_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien_models.library.self_test._PROGRAM", ("-c", "import os; os.kill(os.getpid(), 11)"))
    with pytest.raises(ModelError, match=r"ends the program that loads it \(SIGSEGV\)"):
        try_out(tmp_path, "net")
    monkeypatch.setattr("mien_models.library.self_test._PROGRAM", ("-c", "import time; time.sleep(60)"))
    with pytest.raises(ModelError, match="no answer"):
        try_out(tmp_path, "net", seconds=0.2)


def test_what_libraries_print_is_not_taken_for_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answering(printed: bytes) -> None:
        code = f"import sys; sys.stdout.buffer.write({printed!r})"
        monkeypatch.setattr("mien_models.library.self_test._PROGRAM", ("-c", code))

    answering(b"noise \xff {" + ANSWER.encode() + b'{"run_ms": 2.5}')
    assert try_out(tmp_path, "net") == 2.5
    answering(ANSWER.encode() + json.dumps({"fault": "\x1b[31mred"}).encode())
    with pytest.raises(ModelError, match="red") as refusal:
        try_out(tmp_path, "net")
    assert str(refusal.value).isprintable()


def test_an_interruption_leaves_nothing(library: ModelLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> float:
        assert everything_in(library)
        raise KeyboardInterrupt

    monkeypatch.setattr("mien_models.library.add.try_out", interrupted)
    with pytest.raises(KeyboardInterrupt):
        added(library, dfm_network(tmp_path / "a.dfm"))
    assert everything_in(library) == []
    assert library.names() == ()
