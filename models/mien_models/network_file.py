"""A file that should hold an ONNX network: read with care, and refused in one sentence before anything of it is run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mien_models.errors import ModelError
from mien_models.protobuf import fields, message

LARGEST_BYTES: Final = 2**31 - 1
"""A larger file cannot be a protocol buffer, so no whole ONNX network."""
_STRANGERS: Final = (
    (b"PK\x03\x04", "a PyTorch checkpoint or another archive"),
    (b"\x80", "a Python pickle"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"<", "a web page"),
    (b"version https://git-lfs", "a pointer of Git LFS to the file"),
    (b"\x89HDF", "a Keras checkpoint"),
)
"""How other files begin that are taken for networks."""
_PARTS: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
}
"""Where tensors and nodes can stand in a file: the messages inside each message of onnx.proto3, by field number."""
_OPERATOR, _LIST_ELSEWHERE, _IS_ELSEWHERE = 4, 13, 14
"""NodeProto.op_type, TensorProto.external_data and TensorProto.data_location."""
_COMPILED: Final = b"EPContext"
"""The operator that stands for an engine that was compiled for one machine, and may name a file to load."""
_DEEPEST: Final = 100
"""What the protocol buffers library itself refuses; a network's graph in a graph takes three."""
_MOST_FIELDS: Final = 5_000_000
"""The largest networks have some 100 000; more would only cost time and memory."""


def read_network_file(path: Path) -> bytes:
    """Read a user's file, whole.

    Raises:
        ModelError: there is no such file, it is too large, or it holds something else; one sentence says what to do.
    """
    shown = repr(str(path))
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise ModelError(f"{shown} is no file; give the path of an ONNX network.")
        if size > LARGEST_BYTES:
            raise ModelError(f"{shown} has {size / 2**30:.1f} GB; no ONNX network has more than 2. Give another file.")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{shown} cannot be read ({error.strerror}); give the path of an ONNX network.") from error
    check_content(content, str(path))
    return content


def check_content(content: bytes, name: str) -> None:
    """Check that a file may be a network that stands in it whole; nothing of it is run.

    Args:
        content: of the file.
        name: what to call it in messages.

    Raises:
        ModelError: it is empty, something else, damaged, or needs other files.
    """
    if not content:
        raise ModelError(f"{name!r} is empty, where an ONNX network was expected. Export or download it again.")
    for beginning, kind in _STRANGERS:
        if content.startswith(beginning):
            raise ModelError(
                f"{name!r} is {kind}, where an ONNX network was expected; nothing of it was run. "
                "Give the ONNX file itself, or export it to ONNX first."
            )
    try:
        _Inspection(name).look("model", memoryview(content))
    except (ValueError, IndexError) as error:
        raise ModelError(
            f"{name!r} should be an ONNX network, but is damaged or something else. Export or download it again."
        ) from error


class _Inspection:
    """Goes through every tensor and node of a file, also those of branches, loops and functions."""

    def __init__(self, name: str) -> None:
        self._name, self._seen = name, 0

    def look(self, kind: str, part: memoryview, depth: int = 0) -> None:
        """Look at one message and at those inside it."""
        if depth > _DEEPEST:
            raise ValueError("nested too deeply")
        inside = _PARTS.get(kind, {})
        for number, value in fields(part):
            self._seen += 1
            if self._seen > _MOST_FIELDS:
                raise ValueError("more parts than a network has")
            if number in inside:
                self.look(inside[number], message(value), depth + 1)
            elif kind == "tensor" and (number == _LIST_ELSEWHERE or (number == _IS_ELSEWHERE and value)):
                raise ModelError(
                    f"{self._name!r} keeps its numbers in other files, where one whole file was expected. Save it "
                    "again as one file (onnx.save with save_as_external_data=False)."
                )
            elif kind == "node" and number == _OPERATOR and bytes(message(value)) == _COMPILED:
                raise ModelError(
                    f"{self._name!r} was compiled for one machine, where a network that runs anywhere was expected. "
                    "Give the file that it was compiled from."
                )
