"""A file that should hold an ONNX network: read with care, and refused in one sentence before anything of it is run."""

import contextlib
from pathlib import Path
from typing import Final

from mien_models.errors import ModelError
from mien_models.onnx_format.external_data import DEEPEST, IS_ELSEWHERE, LIST_ELSEWHERE, MOST_FIELDS, PARTS, made_whole
from mien_models.onnx_format.wire import LARGEST_BYTES, fields, message
from mien_models.system.causes import cause_of

_STRANGERS: Final = (
    (b"PK\x03\x04", "a PyTorch checkpoint or another archive"),
    (b"\x80", "a Python pickle"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"<", "a web page"),
    (b"version https://git-lfs", "a pointer of Git LFS to the file"),
    (b"\x89HDF", "a Keras checkpoint"),
)
"""How other files begin that are taken for networks."""
_OPERATOR: Final = 4
"""NodeProto.op_type."""
_COMPILED: Final = b"EPContext"
"""The operator that stands for an engine that was compiled for one machine, and may name a file to load."""


def read_network_file(path: Path) -> bytes:
    """Read a user's file, whole: what it keeps in other files of its folder is taken in.

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
        raise ModelError(f"{shown} cannot be read ({cause_of(error)}); give the path of an ONNX network.") from error
    # What is damaged is told by the check.
    with contextlib.suppress(ValueError, IndexError):
        content = made_whole(content, path)
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
        if depth > DEEPEST:
            raise ValueError("nested too deeply")
        inside = PARTS.get(kind, {})
        for number, value in fields(part):
            self._seen += 1
            if self._seen > MOST_FIELDS:
                raise ValueError("more parts than a network has")
            if number in inside:
                self.look(inside[number], message(value), depth + 1)
            elif kind == "tensor" and (number == LIST_ELSEWHERE or (number == IS_ELSEWHERE and value)):
                raise ModelError(
                    f"{self._name!r} keeps its numbers in other files, where one whole file was expected. Save it "
                    "again as one file (onnx.save with save_as_external_data=False)."
                )
            elif kind == "node" and number == _OPERATOR and bytes(message(value)) == _COMPILED:
                raise ModelError(
                    f"{self._name!r} was compiled for one machine, where a network that runs anywhere was expected. "
                    "Give the file that it was compiled from."
                )
