"""Files that should hold a network are looked through before anything of them is run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien_models.errors import ModelError
from mien_models.network_file import check_content, read_network_file


def elsewhere(location: str) -> Any:
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "numbers")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def model(nodes: list[Any], constants: list[Any] | None = None, functions: list[Any] | None = None) -> bytes:
    taken = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])]
    given = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])]
    graph = helper.make_graph(nodes, "tiny", taken, given, constants or [])
    return bytes(helper.make_model(graph, functions=functions or []).SerializeToString())


def as_constant(tensor: Any) -> bytes:
    return model([helper.make_node("Neg", ["x"], ["y"])], [tensor])


def as_attribute(tensor: Any) -> bytes:
    return model([helper.make_node("Constant", [], ["y"], value=tensor)])


def in_a_branch(tensor: Any) -> bytes:
    inner = helper.make_graph([helper.make_node("Constant", [], ["z"], value=tensor)], "branch", [], [])
    return model([helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)])


def in_a_function(tensor: Any) -> bytes:
    node = helper.make_node("Constant", [], ["z"], value=tensor)
    function = helper.make_function("own", "f", [], ["z"], [node], [helper.make_opsetid("", 17)])
    return model([helper.make_node("Neg", ["x"], ["y"])], functions=[function])


def in_a_sparse_constant(tensor: Any) -> bytes:
    made = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "tiny", [], [])
    made.sparse_initializer.add(values=tensor)
    return bytes(helper.make_model(made).SerializeToString())


def in_a_list(tensor: Any) -> bytes:
    node = helper.make_node("Neg", ["x"], ["y"])
    node.attribute.add(name="many").tensors.append(tensor)
    return model([node])


def in_a_sparse_list(tensor: Any) -> bytes:
    node = helper.make_node("Neg", ["x"], ["y"])
    node.attribute.add(name="many").sparse_tensors.add(indices=tensor)
    return model([node])


PLACES = [as_constant, as_attribute, in_a_list, in_a_sparse_list, in_a_branch, in_a_function, in_a_sparse_constant]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("location", ["numbers.bin", "../../../etc/passwd", "/etc/passwd", "*/_ORT_MEM_ADDR_/*"])
def test_numbers_in_other_files_are_found_wherever_they_hide(place: Callable[[Any], bytes], location: str) -> None:
    with pytest.raises(ModelError, match="one whole file"):
        check_content(place(elsewhere(location)), "net.onnx")


@pytest.mark.parametrize("place", PLACES)
def test_a_whole_file_passes(place: Callable[[Any], bytes]) -> None:
    tensor = numpy_helper.from_array(np.frombuffer(b"\x0a\x08location\x12\x03abc".ljust(16), np.float32), "numbers")
    check_content(place(tensor), "net.onnx")


def test_an_engine_compiled_for_one_machine_is_refused() -> None:
    with pytest.raises(ModelError, match="compiled for one machine"):
        check_content(model([helper.make_node("EPContext", ["x"], ["y"], ep_cache_context="/tmp/a.engine")]), "net")


def test_nesting_without_end_is_refused() -> None:
    content = b""
    for _ in range(40):
        for field in (6, 5, 1):  # graph of an attribute, of a node, of a graph
            size = len(content)
            length = bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])
            content = bytes([field << 3 | 2]) + length + content
    size = len(content)
    content = bytes([7 << 3 | 2, size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14]) + content
    with pytest.raises(ModelError, match="damaged"):
        check_content(content, "net")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04" + bytes(9), "PyTorch checkpoint"),
        (b"\x80\x02}q\x00.", "Python pickle"),
        (b"<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\x3a\x7f\x00", "damaged"),
    ],
)
def test_what_is_no_network_is_named(content: bytes, what: str) -> None:
    with pytest.raises(ModelError, match=what):
        check_content(content, "net.onnx")


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.symlink_to(path)
    with pytest.raises(ModelError, match=r"net\.onnx"):
        read_network_file(path)
