"""Files that should hold a network are looked through before anything of them is run."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from mien_models.errors import ModelError
from mien_models.onnx_format.check import check_content, read_network_file

NUMBERS = np.array([1, 2, 3, 4], np.float32)


def elsewhere(location: str, **where: Any) -> Any:
    tensor = numpy_helper.from_array(NUMBERS, "numbers")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **where}.items():
        tensor.external_data.add(key=key, value=str(value))
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


@pytest.mark.parametrize("place", PLACES)
def test_numbers_of_the_same_folder_are_taken_in_wherever_they_belong(
    place: Callable[[Any], bytes], tmp_path: Path
) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "numbers.bin").write_bytes(bytes(8) + NUMBERS.tobytes() + bytes(3))
    path = tmp_path / "net.onnx"
    path.write_bytes(place(elsewhere("parts/numbers.bin", offset=8, length=16)))
    whole = onnx.load_model_from_string(read_network_file(path))
    assert whole == onnx.load_model_from_string(place(numpy_helper.from_array(NUMBERS, "numbers")))


def test_a_whole_file_is_read_as_it_is(tmp_path: Path) -> None:
    content = as_attribute(numpy_helper.from_array(NUMBERS, "numbers"))
    (tmp_path / "net.onnx").write_bytes(content)
    assert read_network_file(tmp_path / "net.onnx") == content


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/passwd", "link.bin", "..", ".", "", "a/../../secret.bin", "..\\secret.bin"]
)
def test_no_path_leads_out_of_the_folder(location: str, tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(NUMBERS.tobytes())
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "net.onnx").write_bytes(as_constant(elsewhere(location)))
    with pytest.raises(ModelError, match="outside its folder"):
        read_network_file(folder / "net.onnx")


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ({"length": 17}, "more numbers"),
        ({"offset": 1, "length": 16}, "more numbers"),
        ({"offset": -1}, "more numbers"),
        ({"offset": 2**70}, "more numbers"),
        ({"location": "nothing.bin"}, "cannot be read"),
        ({"location": "folder"}, "cannot be read"),
    ],
)
def test_numbers_that_are_not_there_are_told(where: dict[str, str | int], what: str, tmp_path: Path) -> None:
    (tmp_path / "numbers.bin").write_bytes(NUMBERS.tobytes())
    (tmp_path / "folder").mkdir()
    path = tmp_path / "net.onnx"
    path.write_bytes(as_constant(elsewhere(str(where.pop("location", "numbers.bin")), **where)))
    with pytest.raises(ModelError, match=what) as refusal:
        read_network_file(path)
    assert "\n" not in str(refusal.value)


@settings(max_examples=200)
@given(at=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_damage_never_reads_another_file(at: int, byte: int) -> None:
    content = bytearray(in_a_branch(elsewhere("numbers.bin")))
    content[at % len(content)] = byte
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        path.write_bytes(content)
        with contextlib.suppress(ModelError):
            read_network_file(path)
