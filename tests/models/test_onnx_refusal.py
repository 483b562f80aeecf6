"""What ONNX Runtime refuses is said without its own code's names."""

import numpy as np
import onnx
import pytest
from onnx import helper
from tests.onnx_networks import affine_network

from mien_models.errors import ModelError
from mien_models.runtimes.onnx import OnnxSession
from mien_models.runtimes.ort.refusal import refusal_of

PLACE = "/onnxruntime_src/onnxruntime/core/graph/model.cc:256 "


@pytest.mark.parametrize(
    "signature",
    [
        "onnxruntime::Model::Model(onnx::ModelProto&&, const std::function<void(int)>&, bool) ",
        "void onnxruntime::Graph::Init(const std::unordered_map<std::string, int>&) const ",
        "static onnxruntime::common::Status onnxruntime::Model::Load(int, const onnx::X&) ",
        "std::pair<a::b, int> onnxruntime::f<long int>(a::b) [with T = a::b<c>; U = float] ",
        "onnxruntime::Graph::Resolve ",
        "void onnxruntime::F::operator()(int) const ",
        "",
    ],
)
def test_a_signature_is_taken_out_and_what_follows_it_stays(signature: str) -> None:
    said = f"[ONNXRuntimeError] : 1 : FAIL : Load model from a b.onnx failed:{PLACE}{signature}Too (very) odd."
    assert refusal_of(RuntimeError(said)) == "Too (very) odd"


def test_a_place_in_the_middle_is_taken_out(tmp_path_factory: pytest.TempPathFactory) -> None:
    said = f"[ONNXRuntimeError] : 6 : X : Node. Status Message: {PLACE}a::B::B(const c::D&) It does not fit."
    assert refusal_of(RuntimeError(said)) == "Node. Status Message: It does not fit"


def broken(tmp_path_factory: pytest.TempPathFactory, how: str) -> bytes:
    path = affine_network(tmp_path_factory.mktemp("networks") / "x.onnx", 8, 1.0, 0.0)
    model = onnx.load(str(path))
    match how:
        case "operator":
            model.graph.node[0].op_type = "Nonsense"
        case "domain":
            model.graph.node[0].domain = "com.nobody"
        case "opset":
            model.opset_import[0].version = 999
        case "version":
            model.ir_version = 200
        case "edge":
            model.graph.node[0].input[0] = "nowhere"
        case _:
            model.graph.node.append(helper.make_node("MatMul", ["x", "gain"], ["z"]))
            model.graph.output.append(helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, [7, 7]))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("operator", "the operator 'Nonsense'"),
        ("domain", "'com.nobody'"),
        ("opset", "opset 999, and this ONNX Runtime knows those up to"),
        ("version", "version 200, and this ONNX Runtime reads those up to"),
        ("edge", "'nowhere', which nothing gives"),
        ("shape", "MatMul"),
    ],
)
def test_a_refused_network_is_one_plain_sentence(tmp_path_factory: pytest.TempPathFactory, how: str, said: str) -> None:
    with pytest.raises(ModelError) as refused:
        OnnxSession(broken(tmp_path_factory, how), "a network").run({"x": np.zeros((1, 3, 8, 8), np.float32)})
    sentence = str(refused.value)
    assert said in sentence
    assert not any(code in sentence for code in ("::", ".cc:", ".h:", "ONNXRuntimeError", "\n", ".."))
