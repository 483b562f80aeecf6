"""What ONNX Runtime says when it refuses a network, in the words of people: without its own code's names."""

import re
from typing import Final

from mien_models.system.printable import in_one_line

_LONGEST: Final = 240
_CODE: Final = re.compile(r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ")
_FILE: Final = re.compile(r"Load model from .*? failed: ?")
_PLACE: Final = re.compile(r"(?:[A-Za-z]:)?[\w./\\+-]+\.(?:cc|cpp|cu|h|hpp):\d+ ")
"""A line of its source; a signature follows."""
_TEMPLATE: Final = re.compile(r"\s*\[with [^\]]*\]")
_QUALIFIERS: Final = re.compile(r"\s*(?:const|noexcept)\b")
_NAME: Final = re.compile(r"[\w:<>,*&~ ]*::[\w:<>,*&~ ]*(?<=\S)(?=\()|[\w:<>~]+::[\w<>~]+(?=\s)")
"""Of a function: with what it returns and takes as GCC writes it, alone as Microsoft's compiler does."""
_KNOWN: Final = (
    (
        re.compile(r"No Op registered for (\S+) with domain_version of (\d+)"),
        "it uses the operator {0!r}, which is not there in opset {1}",
    ),
    (
        re.compile(r"No opset import for domain '([^']*)'"),
        "it uses operators of {0!r}, which ONNX Runtime does not have",
    ),
    (
        re.compile(r"Opset (\d+) is under development.* is till opset (\d+)"),
        "it is written for opset {0}, and this ONNX Runtime knows those up to {1}",
    ),
    (
        re.compile(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)"),
        "its file format is version {0}, and this ONNX Runtime reads those up to {1}",
    ),
    (re.compile(r"Node input '([^']*)' is not a graph input"), "one of its nodes takes {0!r}, which nothing gives"),
)


def refusal_of(error: Exception) -> str:
    """Say why ONNX Runtime refused: the second half of a sentence, without its full stop."""
    said = in_one_line(str(error).strip())
    for pattern, plain in _KNOWN:
        found = pattern.search(said)
        if found is not None:
            return plain.format(*found.groups())
    said = _without_code(_FILE.sub("", _CODE.sub("", said))).strip(" .")
    if not said:
        return type(error).__name__
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 3].rstrip()}..."


def _without_code(said: str) -> str:
    """Take out each place in the source and the signature behind it."""
    while (place := _PLACE.search(said)) is not None:
        said = said[: place.start()] + _after_signature(said[place.end() :])
    return said


def _after_signature(rest: str) -> str:
    """Give what follows a signature such as `void a::B::c(const D<e>&) const [with F = g] `; without one, all."""
    name = _NAME.match(rest)
    if name is None:
        return rest
    rest = rest[name.end() :]
    while rest.startswith("("):
        rest = rest[_closing(rest) :]
    for more in (_QUALIFIERS, _TEMPLATE):
        rest = more.sub("", rest, count=1) if more.match(rest) else rest
    return rest.lstrip()


def _closing(rest: str) -> int:
    """Give where the bracket ends that opens at the beginning; all where it does not."""
    depth = 0
    for place, letter in enumerate(rest):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return place + 1
    return len(rest)
