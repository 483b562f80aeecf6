"""The proof passes what the checkpoint is, and fails what is a little else, for every architecture."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from tests.onnx_networks import arcface_network
from torch import Tensor

from mien_export.contracts import ARCHITECTURES, Network
from mien_export.engines.building import sidecar_of
from mien_export.graph import ExportError, GraphOptions, loaded, write_onnx
from mien_export.proof import gates
from mien_export.proof.cases import choose, make_cases
from mien_export.proof.faces import FacesError, known_faces
from mien_export.proof.gates import Gates
from mien_export.proof.identity import IdentityJudge
from mien_export.proof.measuring import Measured, measure
from mien_export.proof.noise import weigh
from mien_export.proof.prove import Proof, prove
from mien_export.proof.reference import Reference, run_exactly, run_torch
from mien_export.proof.report import as_data, save, sheet, table
from mien_export.proof.serving import ServingError, open_candidate
from mien_export.seeded import seeded_checkpoint
from mien_models.specs.network import ConvertSpec

NAMES = ARCHITECTURES.names()
PICTURES = [name for name in NAMES if name != "crossface"]


@cache
def written(name: str) -> tuple[Network, dict[str, Tensor], bytes]:
    """Export each architecture once: tracing is what these tests would wait for."""
    variant = next(iter(ARCHITECTURES.load(name).tiny))
    network, state = seeded_checkpoint(ARCHITECTURES.load(name), variant, seed=3)
    with tempfile.TemporaryDirectory() as folder:
        return network, state, write_onnx(network, state, Path(folder) / "a.onnx", GraphOptions()).read_bytes()


def exported(name: str, folder: Path) -> tuple[Network, dict[str, Tensor], Path]:
    network, state, content = written(name)
    path = folder / f"{name}.onnx"
    path.write_bytes(content)
    return network, state, path


def proven(network: Network, state: dict[str, Tensor], *paths: Path) -> Proof:
    return prove(reference(network, state), network, paths, make_cases(network), progress=quiet)


def reference(network: Network, state: dict[str, Tensor]) -> Reference:
    return lambda: network.deployed(loaded(network, state), None).eval()


def quiet(text: str, share: float | None = None, /) -> None:
    pass


def changed(path: Path, change: Callable[[ModelProto], None]) -> Path:
    model = onnx.load(str(path))
    change(model)
    other = path.with_name("changed.onnx")
    onnx.save(model, str(other))
    return other


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_what_was_exported_passes_and_what_was_changed_fails(name: str, tmp_path: Path) -> None:
    network, state, path = exported(name, tmp_path)
    proof = proven(network, state, path)
    assert not proof.has_failed, table(proof)
    assert proof.files[0].has_passed
    assert any("batch of 4" in one.case for one in proof.files[0].measured)
    for change in (perturbed_weight, *((exchanged_colours,) if name in PICTURES else ())):
        assert proven(network, state, changed(path, change)).has_failed, change.__name__


def perturbed_weight(model: ModelProto) -> None:
    """Change the sign of the first row of the last layer's weights."""
    weights = {one.name: one for one in model.graph.initializer}
    last = [node for node in model.graph.node if node.op_type in {"Conv", "Gemm", "MatMul"}][-1]
    (name,) = [name for name in last.input if name in weights and len(weights[name].dims) > 1]
    numbers = numpy_helper.to_array(weights[name]).copy()
    numbers[0] *= -1
    weights[name].CopyFrom(numpy_helper.from_array(numbers, name))


def exchanged_colours(model: ModelProto) -> None:
    """Put an exchange of the first and third channel behind the first picture."""
    shapes = {one.name: [axis.dim_value for axis in one.type.tensor_type.shape.dim] for one in model.graph.input}
    name, shape = next((name, shape) for name, shape in shapes.items() if len(shape) == 4)
    for node in model.graph.node:
        node.input[:] = ["exchanged" if one == name else one for one in node.input]
    model.graph.initializer.append(numpy_helper.from_array(np.array([2, 1, 0], np.int64), "order"))
    axis = 1 if shape[1] == 3 else 3
    model.graph.node.insert(0, helper.make_node("Gather", [name, "order"], ["exchanged"], axis=axis))


def dropped_epsilon(model: ModelProto) -> None:
    """Take every constant below 1e-4 that is added for zero, and every norm's own epsilon."""
    for one in model.graph.initializer:
        numbers = numpy_helper.to_array(one)
        if numbers.size == 1 and numbers.dtype == np.float32 and 0 < float(numbers.reshape(-1)[0]) < 1e-4:
            one.CopyFrom(numpy_helper.from_array(np.zeros_like(numbers), one.name))
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "epsilon":
                attribute.f = 0.0


@pytest.mark.filterwarnings("ignore")
def test_a_gate_follows_the_networks_own_noise_and_a_changed_file_fails_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, state, path = exported("ghost", tmp_path)
    monkeypatch.setattr(gates, "_FP32_SHARE", 1e-7)
    proof = proven(network, state, path)
    assert proof.files[0].has_passed, table(proof)
    (allowance, *_) = proof.files[0].allowances
    assert 0 < allowance.noise < allowance.allowed < 1e-3
    assert "the network itself loses" in table(proof)
    assert as_data(proof, "")["files"][0]["allowances"][0]["noise"] == allowance.noise
    failed = proven(network, state, changed(path, perturbed_weight))
    assert failed.has_failed
    assert "its own noise is" in failed.files[0].failures[0]


def test_what_a_network_loses_in_the_mean_need_not_be_where_it_loses_most_in_one_pixel() -> None:
    network, state = seeded_checkpoint(ARCHITECTURES.load("crossface"), "512", seed=3)
    case = make_cases(network)[0]
    module = reference(network, state)()
    exact = run_exactly(module, network, case.inputs)["output"]
    off = float(np.linalg.norm(exact))
    spike, haze = exact.copy(), exact + np.float32(1e-5 * off)
    spike[0, 0] += 1e-4 * off
    cases = {"spike": replace(case, name="spike"), "haze": replace(case, name="haze")}
    expected = {"spike": {"output": spike}, "haze": {"output": haze}}
    answers = {"spike": {"output": exact}, "haze": {"output": exact + np.float32(2e-5 * off)}}
    gates = Gates(1e-9, 1e-9, 1e-9, 0.0)
    suspects = [(measure(network, name, expected[name], one)[0], one) for name, one in answers.items()]
    weighed = weigh(lambda: module, network, cases, expected, suspects=suspects, gates=gates)
    assert weighed.failures == ()
    assert weighed.allowances[0].noise == pytest.approx(1e-4, rel=0.01)


def test_noise_beyond_what_can_be_seen_is_not_allowed() -> None:
    spec = ARCHITECTURES.load("ghost").published["1-block"].spec(has_map=True)
    plain = Gates.of(spec, is_half=False)
    little = Measured("black", "output", 2.2e-3, 1e-4, 50.0, 1e-4, None)
    assert plain.with_noise(little, spec).max_error == pytest.approx(plain.max_error + 3 * 2.2e-3)
    much = Measured("black", "output", 0.5, 0.1, 10.0, 0.1, None)
    assert plain.with_noise(much, spec).max_error == pytest.approx(0.032)


@pytest.mark.filterwarnings("ignore")
def test_the_module_is_what_it_was_after_it_computed_in_double() -> None:
    network, state = seeded_checkpoint(ARCHITECTURES.load("hyperswap"), "256", seed=3)
    module = reference(network, state)()
    inputs = make_cases(network)[0].inputs
    before, exact = run_torch(module, network, inputs), run_exactly(module, network, inputs)
    after = run_torch(module, network, inputs)
    np.testing.assert_array_equal(before["output"], after["output"])
    assert 0 < np.abs(exact["output"] - before["output"]).max() < 1e-4
    whole = reference(network, state)().double()
    given = [torch.from_numpy(inputs[port.name]).double() for port in network.inputs]
    with torch.no_grad():
        expected = whole(*given)[0]
    assert np.abs(exact["output"] - expected.numpy()).max() < 1e-6


def test_vectors_of_any_length_are_tried_where_the_graph_makes_them_units() -> None:
    converter = make_cases(ARCHITECTURES.load("crossface").tiny["512"])
    lengths = {round(float(np.linalg.norm(case.inputs["input"])), 2) for case in converter}
    assert lengths == {1.0, 23.0, 0.05}
    swapper = ARCHITECTURES.load("reswapper").tiny["128"]
    assert {round(float(np.linalg.norm(case.inputs["source"])), 2) for case in make_cases(swapper)} == {1.0}
    mapped = make_cases(swapper, scales_vectors=True)
    assert {round(float(np.linalg.norm(case.inputs["source"])), 2) for case in mapped} == {1.0, 23.0, 0.05}


def test_a_network_that_costs_much_is_asked_less_but_faces_and_flat_pictures_always() -> None:
    cases = make_cases(ARCHITECTURES.load("reswapper").tiny["128"])
    assert choose(cases, 50.0) == (list(cases), (2, 4))
    few, batches = choose(cases, 700.0)
    assert [case.name for case in few] == ["noise 11", "noise 12", "black", "grey", "red", "astronaut"]
    assert batches == (2,)


@pytest.mark.filterwarnings("ignore")
def test_a_proof_says_how_far_it_is(tmp_path: Path) -> None:
    network, state, path = exported("crossface", tmp_path)
    said: list[tuple[str, float]] = []

    def kept(text: str, share: float | None = None, /) -> None:
        said.append((text, share or 0.0))

    prove(reference(network, state), network, [path], make_cases(network), progress=kept)
    # Said before it is done: the first while nothing is, the last while it alone is left.
    assert [share for _, share in said] == pytest.approx([done / 8 for done in range(8)])
    assert said[0][0] == "proving: the checkpoint in torch, noise 11"
    assert said[3][0] == f"proving, 4 of 8: {path.name}, noise 11"
    assert said[7][0] == f"proving, 8 of 8: {path.name}, 4 at once"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["reswapper", "simswap", "ghost", "hyperswap"])
def test_a_norm_without_its_epsilon_fails(name: str, tmp_path: Path) -> None:
    network, state, path = exported(name, tmp_path)
    proof = proven(network, state, changed(path, dropped_epsilon))
    assert proof.has_failed
    said = " ".join(proof.files[0].failures)
    assert "black" in said or "white" in said or "no epsilon" in said


def in_half_that_overflows(model: ModelProto) -> None:
    """Round everything behind the first input's picture to half precision after a factor that is too large for it."""
    name = next(one.name for one in model.graph.input if len(one.type.tensor_type.shape.dim) == 4)
    for node in model.graph.node:
        node.input[:] = ["rounded" if one == name else one for one in node.input]
    factor = np.array(1e5, np.float32)
    model.graph.initializer.extend(
        [numpy_helper.from_array(factor, "factor"), numpy_helper.from_array(np.zeros(1, np.float16), "half")]
    )
    model.graph.node.insert(0, helper.make_node("Mul", [name, "factor"], ["large"]))
    model.graph.node.insert(1, helper.make_node("Cast", ["large"], ["low"], to=TensorProto.FLOAT16))
    model.graph.node.insert(2, helper.make_node("Cast", ["low"], ["back"], to=TensorProto.FLOAT))
    model.graph.node.insert(3, helper.make_node("Div", ["back", "factor"], ["rounded"]))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PICTURES)
def test_an_overflow_of_half_precision_fails(name: str, tmp_path: Path) -> None:
    network, state, path = exported(name, tmp_path)
    proof = proven(network, state, changed(path, in_half_that_overflows))
    assert proof.files[0].is_half
    assert any("not a number" in told for told in proof.files[0].failures)


def test_what_is_neither_a_file_nor_an_engine_with_its_papers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.bin").write_bytes(b"engine")
    with pytest.raises(ServingError, match=r"an engine with the 'net\.bin\.json' beside it"):
        open_candidate(tmp_path / "net.bin")


@pytest.mark.filterwarnings("ignore")
def test_the_report_is_a_table_one_json_and_one_picture(tmp_path: Path) -> None:
    network, state, path = exported("reswapper", tmp_path)
    engine = tmp_path / "a.engine"
    engine.write_bytes(b"engine")
    sidecar_of(engine).write_text("{}")
    proof = proven(network, state, path, engine)
    data, drawn = save(proof, network, "0" * 64, tmp_path / "a.proof")
    told = json.loads(data.read_text())
    assert told["passed"]
    assert [file["verdict"] for file in told["files"]] == ["passed", "not run"]
    assert "NOT RUN, not proven" in table(proof)
    picture = cv2.imread(str(drawn))
    assert picture is not None
    assert picture.shape == (256, 768, 3)
    assert picture[:, 512:].mean() < 3, "the difference of equal pictures is black"
    assert picture[:, :512].std() > 5


@pytest.mark.filterwarnings("ignore")
def test_a_vector_has_no_picture_and_a_foreign_file_is_one_sentence(tmp_path: Path) -> None:
    network, state, path = exported("crossface", tmp_path)
    assert isinstance(network.spec(has_map=False), ConvertSpec)
    assert sheet(proven(network, state, path), network) is None
    assert as_data(proven(network, state, path), "")["passed"]
    (tmp_path / "noise.onnx").write_bytes(b"\x08noise")
    with pytest.raises(ServingError, match=r"noise\.onnx"):
        proven(network, state, tmp_path / "noise.onnx")
    other, other_state, _ = exported("reswapper", tmp_path)
    with pytest.raises(ServingError, match="not exported from this checkpoint"):
        proven(other, other_state, path)


def test_faces_come_from_a_folder_or_from_the_portrait(tmp_path: Path) -> None:
    ((name, picture_bgr, five_points),) = known_faces()
    assert name == "astronaut"
    cv2.imwrite(str(tmp_path / "somebody.png"), picture_bgr)
    cv2.imwrite(str(tmp_path / "nobody.png"), np.full((200, 200, 3), 90, np.uint8))
    ((found, _, again),) = known_faces(tmp_path)
    assert found == "somebody"
    np.testing.assert_allclose(again, five_points, atol=0.01)
    left_eye, right_eye, nose, left_mouth, right_mouth = five_points
    assert left_eye[0] < nose[0] < right_eye[0]
    assert max(left_mouth[1], right_mouth[1]) > nose[1] > left_eye[1]
    with pytest.raises(FacesError, match="pictures of faces"):
        known_faces(tmp_path / "nothing")


@pytest.mark.filterwarnings("ignore")
def test_persons_are_compared_by_a_network_of_the_user_s(tmp_path: Path) -> None:
    network, state, path = exported("reswapper", tmp_path)
    judge = IdentityJudge(arcface_network(tmp_path / "w600k_r50.onnx"))
    other = changed(path, exchanged_colours)
    proof = prove(reference(network, state), network, [path, other], make_cases(network), progress=quiet, judge=judge)
    same, exchanged = proof.files
    assert same.identity is not None
    assert same.identity["astronaut"] > 0.9999
    assert same.has_passed
    assert any("identity" in told for told in exchanged.failures)
    assert "Identity by an independent embedding: cosine" in table(proof)
    assert as_data(proof, "")["files"][0]["identity"] == dict(same.identity)
    with pytest.raises(ExportError, match="--identity should name an identity network"):
        IdentityJudge(path)


def test_an_identity_network_that_does_not_tell_how_it_sees_faces_judges_nobody(tmp_path: Path) -> None:
    path = arcface_network(tmp_path / "net.onnx")
    model = onnx.load(str(path))
    model.graph.node.append(helper.make_node("MaxPool", ["input.1"], ["shortcut"], kernel_shape=[1, 1]))
    onnx.save(model, str(path))
    with pytest.raises(ExportError, match="may be insightface or magface or adaface's"):
        IdentityJudge(path)
