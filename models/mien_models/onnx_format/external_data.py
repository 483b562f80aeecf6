"""ONNX files that keep their numbers in a file beside them are made whole; no path may lead out of their folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mien_models.errors import ModelError
from mien_models.onnx_format.wire import LARGEST_BYTES, fields, header, message, spans, text_of
from mien_models.system.causes import cause_of

PARTS: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
}
"""Where tensors and nodes can stand in a file: the messages inside each message of onnx.proto3, by field number."""
LIST_ELSEWHERE: Final = 13
"""TensorProto.external_data: pairs of words that say where the numbers lie."""
IS_ELSEWHERE: Final = 14
"""TensorProto.data_location: not 0 when they lie in another file."""
DEEPEST: Final = 100
"""What the protocol buffers library itself refuses; a network's graph in a graph takes three."""
MOST_FIELDS: Final = 5_000_000
"""The largest networks have some 100 000; more would only cost time and memory."""
_RAW: Final = 9
"""TensorProto.raw_data."""


def made_whole(content: bytes, path: Path) -> bytes:
    """Take in the numbers that lie in other files of the same folder; a file without any is given back as it is.

    Args:
        content: of the file.
        path: where it lies.

    Raises:
        ModelError: a path leads out of the folder, such a file is missing or too short, or the whole is too large.
        ValueError, IndexError: the file is damaged.
    """
    pieces = _Merging(path).pieces("model", memoryview(content))
    return content if pieces is None else b"".join(pieces)


class _Merging:
    """Writes messages anew, with the numbers of other files in them."""

    def __init__(self, path: Path) -> None:
        self._folder, self._shown = path.parent, repr(str(path))
        self._merged_bytes = self._fields_seen = 0

    def pieces(self, kind: str, part: memoryview, depth: int = 0) -> Sequence[bytes | memoryview] | None:
        """Give a message in pieces, or None where it may stay as it is."""
        if depth > DEEPEST:
            raise ValueError("nested too deeply")
        if kind == "tensor":
            return self._tensor(part)
        inside = PARTS.get(kind, {})
        if not inside:
            return None
        made: list[bytes | memoryview] = []
        is_changed = False
        for number, value, span in spans(part):
            self._fields_seen += 1
            if self._fields_seen > MOST_FIELDS:
                raise ValueError("more parts than a network has")
            inner = self.pieces(inside[number], message(value), depth + 1) if number in inside else None
            if inner is None:
                made.append(span)
            else:
                is_changed = True
                made += [header(number, sum(len(piece) for piece in inner)), *inner]
        return made if is_changed else None

    def _tensor(self, part: memoryview) -> Sequence[bytes | memoryview] | None:
        kept: list[bytes | memoryview] = []
        words: dict[str, str] = {}
        is_elsewhere = False
        for number, value, span in spans(part):
            if number == LIST_ELSEWHERE:
                pair = {at: text_of(word) for at, word in fields(message(value))}
                words[pair.get(1, "")] = pair.get(2, "")
            elif number == IS_ELSEWHERE:
                is_elsewhere = value != 0
            elif number != _RAW:
                kept.append(span)
        if not is_elsewhere:
            return None
        numbers = self._numbers(words)
        return [*kept, header(_RAW, len(numbers)), numbers]

    def _numbers(self, words: Mapping[str, str]) -> bytes:
        location = words.get("location", "")
        file = self._file(location)
        offset, length = int(words.get("offset", "0")), int(words.get("length", "-1"))
        try:
            size = file.stat().st_size
            wanted = size - offset if length < 0 else length
            self._merged_bytes += wanted
            if offset < 0 or wanted < 0 or offset + wanted > size:
                raise ModelError(
                    f"{self._shown} expects more numbers than {location!r} beside it has. Get both anew, they do not "
                    "belong together."
                )
            if self._merged_bytes > LARGEST_BYTES:
                raise ModelError(
                    f"{self._shown} has more than 2 GB of numbers; no network of Mien's has. Give another."
                )
            with file.open("rb") as opened:
                opened.seek(offset)
                return opened.read(wanted)
        except OSError as error:
            raise ModelError(
                f"{self._shown} keeps its numbers in {location!r} beside it, which cannot be read ({cause_of(error)}). "
                "Give both, or save it as one file."
            ) from error

    def _file(self, location: str) -> Path:
        """Find the file of a location; links are seen through."""
        try:
            folder = self._folder.resolve(strict=True)
            file = (folder / location).resolve()
            is_inside = file.is_relative_to(folder) and file != folder
        except (OSError, ValueError, RuntimeError):
            is_inside, file = False, self._folder
        if not is_inside or "\\" in location:
            raise ModelError(
                f"{self._shown} asks for numbers of a file outside its folder, {location!r}; nothing was read there. "
                "Do not trust that file."
            )
        return file
