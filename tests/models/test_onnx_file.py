"""Reading ONNX files without running them."""

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from mien_models.errors import ModelError
from mien_models.onnx_format.graph import read_graph


def model(extra: list[Any] | None = None) -> Any:
    gain = numpy_helper.from_array(np.array([2], np.float32), "gain")
    graph = helper.make_graph(
        [helper.make_node("Mul", ["target", "gain"], ["output"])],
        "tiny",
        [
            helper.make_tensor_value_info("target", TensorProto.FLOAT, ["batch", 3, 128, 128]),
            helper.make_tensor_value_info("source", TensorProto.FLOAT, [1, 512]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT16, [1, 3, 128, 128])],
        [gain, *(extra or [])],
    )
    made = helper.make_model(graph)
    helper.set_model_props(made, {"mien.family": "tiny", "ü": "ö"})
    return made


def test_it_reads_what_the_onnx_package_wrote() -> None:
    graph = read_graph(model().SerializeToString(), "net")
    assert {name: info.shape for name, info in graph.inputs.items()} == {
        "target": (-1, 3, 128, 128),
        "source": (1, 512),
    }
    assert graph.outputs["output"].kind is np.float16
    assert graph.operators == {"Mul": 1}
    assert graph.stamps == {"mien.family": "tiny", "ü": "ö"}
    assert graph.square("target") == 128
    assert graph.vector("source") == 512
    assert graph.square("source") is None
    assert graph.makers == {"output": "Mul"}


@pytest.mark.parametrize("kind", [np.float32, np.float16])
@pytest.mark.parametrize("raw", [True, False])
def test_a_constant_that_no_node_uses_is_read(kind: type[np.generic], raw: bool) -> None:
    numbers = np.random.default_rng(0).random((5, 7)).astype(kind)
    if raw:
        tensor = numpy_helper.from_array(numbers, "emap")
    elif kind is np.float32:
        tensor = helper.make_tensor("emap", TensorProto.FLOAT, (5, 7), numbers.flatten().tolist())
    else:
        pytest.skip("halves are stored raw")
    graph = read_graph(model([tensor]).SerializeToString(), "net")
    assert graph.has_constant(5, 7)
    assert graph.has_constant(7, 5)
    np.testing.assert_array_equal(graph.constants["emap"].read(), numbers.astype(np.float32))


def test_a_constant_that_does_not_fill_its_shape_is_refused() -> None:
    tensor = numpy_helper.from_array(np.zeros((5, 7), np.float32), "emap")
    tensor.raw_data = tensor.raw_data[:-4]
    graph = read_graph(model([tensor]).SerializeToString(), "net")
    with pytest.raises(ModelError, match="emap"):
        graph.constants["emap"].read()


@settings(max_examples=300)
@given(cut=st.integers(0, 400), byte=st.integers(0, 255), noise=st.binary(max_size=40))
def test_damage_is_refused_as_such_or_read(cut: int, byte: int, noise: bytes) -> None:
    whole = model().SerializeToString()
    cut = min(cut, len(whole) - 1)
    for content in (whole[:cut], whole[:cut] + bytes([byte]) + whole[cut + 1 :], noise, whole[:cut] + noise):
        with contextlib.suppress(ModelError):
            read_graph(content, "net.onnx")


def test_a_huge_length_allocates_nothing() -> None:
    with pytest.raises(ModelError):
        read_graph(b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(10), "net")


def test_what_no_node_takes_is_told_from_what_is_used() -> None:
    graph = read_graph(model([numpy_helper.from_array(np.zeros(1, np.float32), "spare")]).SerializeToString(), "net")
    assert [constant.name for constant in graph.unused(1)] == ["spare"]
    assert graph.unused(2) == ()


def test_a_name_that_a_terminal_would_obey_is_refused() -> None:
    hostile = model()
    hostile.graph.output[0].name = "\x1b[2J"
    with pytest.raises(ModelError, match="damaged"):
        read_graph(hostile.SerializeToString(), "net")
