"""Half precision: what it would break stays in full, is named with its reason, and is found when it was not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from tests.export.networks.asked import VARIANTS
from torch import Tensor

from mien_export import streaming
from mien_export.contracts import ARCHITECTURES, Network
from mien_export.exporting import Asked, Shape, Wish, export, hold_against, read_source
from mien_export.graph import ExportError, GraphOptions, simplified, write_onnx
from mien_export.precision.halving import in_half, name_nodes
from mien_export.precision.islands import find_islands
from mien_export.precision.lowering import ISLANDS_STAMP, islands_of, summary
from mien_export.precision.overflows import half_faults
from mien_export.precision.ranges import Range, measure_ranges, typed_tensors
from mien_export.proof.prove import Proof
from mien_export.proof.report import table
from mien_export.seeded import seeded_checkpoint
from mien_export.streaming import parts_of_model, write_parts
from mien_export.weightless import read_weightless
from mien_models.runtimes.ort.library import onnxruntime

pytestmark = pytest.mark.filterwarnings("ignore")
NAMES = ARCHITECTURES.names()
SWAPPERS = [name for name in NAMES if name not in {"crossface", "arcface", "simswap_arcface"}]


def quiet(_text: str, _share: float | None = None, /) -> None:
    """Say nothing."""


def exported(
    name: str, folder: Path, shape: Shape, change: Callable[[dict[str, Tensor]], None] = lambda _: None
) -> tuple[Path, Proof]:
    variant = next(iter(ARCHITECTURES.load(name).tiny))
    _, state = seeded_checkpoint(ARCHITECTURES.load(name), variant, seed=3)
    change(state)
    torch.save(state, folder / f"{name}.pth")
    source = read_source(wish(name, folder / f"{name}.pth"), "none")
    path = folder / f"{name}.onnx"
    return path, export(source, path, shape=shape, asked=Asked(), progress=quiet)


@pytest.mark.parametrize("name", NAMES)
def test_every_architecture_passes_in_mixed_precision(name: str, tmp_path: Path) -> None:
    path, proof = exported(name, tmp_path, Shape(precision="mixed"))
    assert proof.files[0].is_half
    assert proof.files[0].has_passed, table(proof)
    model = onnx.load(str(path))
    halves = [one for one in model.graph.initializer if one.data_type == TensorProto.FLOAT16]
    assert len(halves) > 3
    assert {one.type.tensor_type.elem_type for one in [*model.graph.input, *model.graph.output]} == {TensorProto.FLOAT}
    perturb(model)
    onnx.save(model, str(path))
    source = read_source(wish(name, tmp_path / f"{name}.pth"), "none")
    assert hold_against(source, [path], asked=Asked(), progress=quiet).has_failed


def wish(name: str, path: Path) -> Wish:
    """Say of a checkpoint what its keys do not."""
    return Wish(path, variant=VARIANTS.get(name))


def perturb(model: ModelProto) -> None:
    """Change the sign of the first row of the last layer's weights, in whatever precision they are."""
    weights = {one.name: one for one in model.graph.initializer if len(one.dims) > 1}
    last = [one for node in model.graph.node if node.op_type in {"Conv", "Gemm", "MatMul"} for one in node.input]
    name = [one for one in last if one in weights][-1]
    numbers = numpy_helper.to_array(weights[name]).copy()
    numbers[0] *= -1
    weights[name].CopyFrom(numpy_helper.from_array(numbers, name))


@pytest.mark.parametrize("name", ["reswapper", "simswap"])
def test_an_epsilon_that_half_precision_rounds_to_zero_keeps_its_norm_in_full(name: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"epsilon 1e-08, which is zero in half precision; export with --precision m"):
        exported(name, tmp_path, Shape(precision="fp16"))
    assert not (tmp_path / f"{name}.onnx").exists()
    path, proof = exported(name, tmp_path, Shape(precision="mixed"))
    islands = islands_of(onnx.load(str(path)))
    assert {one.op for one in islands} == {"InstanceNormalization"}
    assert "its epsilon 1e-08 is zero" in table(proof)
    told = json.loads((tmp_path / f"{name}.proof.json").read_text())
    assert len(told["files"][0]["islands"]) == len(islands)


def test_what_one_file_cannot_hold_in_full_precision_becomes_one_in_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, _ = exported("crossface", tmp_path, Shape(precision="mixed"))
    monkeypatch.setattr(streaming, "_MOST_BYTES", int(1.5 * usual.stat().st_size))
    (tmp_path / "small").mkdir()
    with pytest.raises(streaming.TooLargeError, match="give --precision mixed"):
        exported("crossface", tmp_path / "small", Shape())
    path, proof = exported("crossface", tmp_path / "small", Shape(precision="mixed"))
    assert proof.files[0].has_passed, table(proof)
    assert path.read_bytes() == usual.read_bytes()
    assert {one.suffix for one in path.parent.iterdir()} == {".onnx", ".pth", ".json"}


def loud(state: dict[str, Tensor]) -> None:
    """Make the layer before the first norm so large that what it gives does not fit half precision."""
    key = next(key for key, one in state.items() if "style" in key and "conv1" in key and len(one.shape) == 4)
    state[key] *= 3e5


def test_what_overflows_is_found_by_measuring(tmp_path: Path) -> None:
    path, proof = exported("reswapper", tmp_path, Shape(precision="mixed"), loud)
    assert not proof.has_failed, table(proof)
    reasons = {(one.op, one.why.split(" up to")[0]) for one in islands_of(onnx.load(str(path)))}
    assert ("Conv", "numbers") in reasons
    with pytest.raises(ExportError, match="was not kept"):
        exported("reswapper", tmp_path, Shape(precision="fp16"), loud)
    told = json.loads((tmp_path / "reswapper.proof.json").read_text())
    assert any("overflows in half precision" in one for one in told["files"][0]["failures"])


def graph(nodes: list[onnx.NodeProto], constants: dict[str, float]) -> ModelProto:
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    wanted = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])
    numbers = [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [given], [wanted], numbers), opset_imports=[helper.make_opsetid("", 20)]
    )
    model.ir_version = 10
    name_nodes(model)
    return model


def run(model: ModelProto, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    session = cast("Any", onnxruntime).InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def ranges_of(model: ModelProto) -> dict[str, Range]:
    return measure_ranges(model, [{"x": X}], typed_tensors(model))


def copied(model: ModelProto) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(model)
    return copy


X = np.array([[1.0, -2.0, 3.0, 0.5]], np.float32)


def test_nothing_between_two_islands_goes_through_half_precision() -> None:
    model = graph(
        [
            helper.make_node("Mul", ["x", "large"], ["a"]),
            helper.make_node("Neg", ["a"], ["b"]),
            helper.make_node("Mul", ["b", "small"], ["y"]),
        ],
        {"large": 5e4, "small": 2e-5},
    )
    ranges = ranges_of(model)
    assert ranges["a"].largest == pytest.approx(1.5e5)
    islands = find_islands(model, ranges)
    assert [one.op for one in islands] == ["Mul", "Neg", "Mul"]
    np.testing.assert_allclose(run(in_half(copied(model), [one.node for one in islands]), X), -X, rtol=2e-3)
    naive = in_half(copied(model), [])
    assert any("overflows" in told for told in half_faults(naive, [{"x": X}]))
    assert summary(islands, 3)[0] == "3 of 3 nodes in full precision"


def test_squares_that_overflow_inside_a_norm_are_found_though_the_processor_computes_them() -> None:
    nodes = [
        helper.make_node("Mul", ["x", "three_hundred"], ["a"]),
        helper.make_node("Unsqueeze", ["a", "axis"], ["planes"]),
        helper.make_node("InstanceNormalization", ["planes", "one", "zero"], ["normed"], epsilon=1e-5),
        helper.make_node("Squeeze", ["normed", "axis"], ["y"]),
    ]
    model = graph(nodes, {"three_hundred": 300.0})
    model.graph.initializer.append(numpy_helper.from_array(np.array([1], np.int64), "axis"))
    for name, value in (("one", 1.0), ("zero", 0.0)):
        model.graph.initializer.append(numpy_helper.from_array(np.array([value], np.float32), name))
    ranges = ranges_of(model)
    (island,) = find_islands(model, ranges)
    assert island.why == "it squares numbers up to 900, and squares above 255 overflow"
    naive = in_half(copied(model), [])
    assert np.abs(run(naive, X) - run(model, X)).max() < 0.01, "on the processor nothing is seen"
    (told,) = half_faults(naive, [{"x": X}])
    assert "squares numbers up to 900" in told
    assert half_faults(in_half(copied(model), [island.node]), [{"x": X}]) == ()


def test_small_numbers_and_constants_stay_in_full() -> None:
    nodes = [helper.make_node("Mul", ["x", "tiny"], ["a"]), helper.make_node("Mul", ["a", "back"], ["y"])]
    model = graph(nodes, {"tiny": 1e-9, "back": 1e4})
    (first, second) = find_islands(model, ranges_of(model))
    assert "rounds away" in first.why
    assert "rounds away" in second.why


def test_the_identity_map_survives_simplifying_where_an_unused_one_does_not(tmp_path: Path) -> None:
    architecture = ARCHITECTURES.load("reswapper")
    network, state = seeded_checkpoint(architecture, next(iter(architecture.tiny)), seed=3)
    identity_map = torch.eye(512) * 2
    path = write_onnx(network, state, tmp_path / "a.onnx", GraphOptions(identity_map=identity_map))
    assert any(list(one.dims) == [512, 512] for one in squares(onnx.load(str(path))))
    model = onnx.load(str(write_onnx(network, state, tmp_path / "b.onnx", GraphOptions(needs_no_map=True))))
    unused = numpy_helper.from_array(np.full((512, 512), 7, np.float32), "emap")
    model.graph.initializer.append(unused)
    write_parts(simplified(parts_of_model(model)), tmp_path / "c.onnx")
    assert "emap" not in {one.name for one in onnx.load(str(tmp_path / "c.onnx")).graph.initializer}


def squares(model: ModelProto) -> list[TensorProto]:
    used = {name for node in model.graph.node for name in node.input}
    return [one for one in model.graph.initializer if one.name in used]


@pytest.mark.parametrize("name", SWAPPERS)
@pytest.mark.parametrize("precision", ["fp32", "mixed"])
def test_the_fused_variant_is_within_a_grey_level(name: str, precision: Any, tmp_path: Path) -> None:
    path, proof = exported(name, tmp_path, Shape(precision=precision, is_fused=True))
    assert proof.files[0].has_passed, table(proof)
    if precision == "fp32":
        assert max(one.max_error for one in proof.files[0].measured) <= 0.51 / 255
    model = onnx.load(str(path))
    inputs = {one.name: one.type.tensor_type for one in model.graph.input}
    network: Network = next(iter(ARCHITECTURES.load(name).tiny.values()))
    target = cast("Any", network.spec(has_map=True)).names.target
    assert inputs[target].elem_type == TensorProto.UINT8
    assert [axis.dim_value for axis in inputs[target].shape.dim][3] == 3


def test_a_fused_file_that_cuts_off_instead_of_rounding_fails(tmp_path: Path) -> None:
    path, _ = exported("reswapper", tmp_path, Shape(is_fused=True))
    model = onnx.load(str(path))
    (rounding,) = [node for node in model.graph.node if node.op_type == "Round"]
    rounding.op_type = "Floor"
    onnx.save(model, str(path))
    proof = hold_against(read_source(Wish(tmp_path / "reswapper.pth"), "none"), [path], asked=Asked(), progress=quiet)
    assert proof.has_failed


def test_a_fixed_batch_is_proven_too(tmp_path: Path) -> None:
    path, proof = exported("reswapper", tmp_path, Shape(batch=2, precision="mixed", is_fused=True))
    assert proof.files[0].has_passed, table(proof)
    assert onnx.load(str(path)).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 2


@pytest.mark.parametrize("stamp", ["", "{", "[" * 100_000, "[1]", '[{"colour": "red"}]', "null", "5"])
def test_islands_that_somebody_else_wrote_are_none(stamp: str) -> None:
    model = ModelProto()
    model.metadata_props.add(key=ISLANDS_STAMP, value=stamp)
    assert islands_of(model) == ()


def test_a_file_is_looked_at_without_the_numbers_of_its_weights(tmp_path: Path) -> None:
    numbers = {"large": np.ones((2, 4096), np.float32), "small": np.arange(4, dtype=np.float32)}
    nodes = [helper.make_node("MatMul", ["x", "large"], ["y"]), helper.make_node("Add", ["y", "small"], ["z"])]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "z")]
    constants = [numpy_helper.from_array(one, name) for name, one in numbers.items()]
    model = helper.make_model(helper.make_graph(nodes, "net", ports[:1], ports[1:], constants))
    onnx.save(model, str(tmp_path / "net.onnx"))
    found = read_weightless(tmp_path / "net.onnx")
    assert found.graph.initializer[0].raw_data == b""
    found.graph.initializer[0].raw_data = numbers["large"].tobytes()
    assert found == model
