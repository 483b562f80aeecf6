"""What torch's exporter does at the moment: it takes a minute, and tells only by what it prints."""

import io
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Final, TextIO

TORCHS_STEPS: Final[Mapping[str, str]] = {
    "Obtain model graph": "tracing the network",
    "Run decompositions": "taking it apart",
    "Translate": "translating it",
    "Optimize": "folding constants",
}
"""Beginnings of its lines (torch/onnx/_internal/exporter/_core.py), and what is said for them."""
_MARK: Final = "[torch.onnx] "
_BEGINS: Final = "..."
"""At the end of the line with which a step begins; the one with which it ends goes on with how it ended."""


@contextmanager
def told(begin: Callable[[str], None]) -> Generator[None, None, None]:
    """Give each step that torch prints to `begin`; what else is printed comes out as ever."""
    with redirect_stdout(_Listener(begin, sys.stdout)):
        yield


class _Listener(io.TextIOBase):
    """Takes whole lines."""

    def __init__(self, begin: Callable[[str], None], others: TextIO) -> None:
        self._begin, self._others, self._line = begin, others, ""

    def write(self, text: str) -> int:
        """Take what `print` writes."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._take(line)
        return len(text)

    def _take(self, line: str) -> None:
        if not line.startswith(_MARK):
            self._others.write(f"{line}\n")
        elif line.endswith(_BEGINS):
            said = line.removeprefix(_MARK).removesuffix(_BEGINS)
            self._begin(next((ours for theirs, ours in TORCHS_STEPS.items() if said.startswith(theirs)), said))
