"""LiteRT, the engine that the MediaPipe networks were made for."""

import os
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast

from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.interfaces import SessionFactory
from mien_models.specs.manifest import Manifest

_STDERR: Final = 2
_DESCRIPTOR_IS_SWAPPED: Final = threading.Lock()
"""The descriptor belongs to the whole process, so its lock does too."""
_XNNPACK_GREETING: Final = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."


class LiteRtSession:
    """A .tflite network on the CPU, through LiteRT and XNNPACK. `run` releases the GIL while the network works."""

    def __init__(self, content: bytes, manifest: Manifest, *, threads: int = 1) -> None:
        """Load a network from the content of its file and plan its memory.

        Raises:
            ModelError: the content is no network that LiteRT can run.
        """
        try:
            with _without_greeting():
                self._interpreter = Interpreter(model_content=content, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"The network {manifest.name!r} should be one that LiteRT runs, but: {error}. Reinstall Mien."
            ) from error
        # LiteRT carries no annotations: what it says of its tensors is typed here, once.
        inputs = cast("list[dict[str, Any]]", self._interpreter.get_input_details())
        outputs = cast("list[dict[str, Any]]", self._interpreter.get_output_details())
        self._input_index: dict[str, int] = {str(d["name"]): int(d["index"]) for d in inputs}
        self._output_index: dict[str, int] = {str(d["name"]): int(d["index"]) for d in outputs}
        self._input_shapes = {str(d["name"]): tuple(int(n) for n in d["shape"]) for d in inputs}

    @property
    def provider(self) -> str:
        """Always LiteRT on the CPU."""
        return "litert-cpu"

    @property
    def input_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every input by name."""
        return self._input_shapes

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Run once; the arrays returned are the caller's own."""
        for name, array in feeds.items():
            self._interpreter.set_tensor(self._input_index[name], array)
        self._interpreter.invoke()
        return {
            name: cast("NDArray[Any]", self._interpreter.get_tensor(index))
            for name, index in self._output_index.items()
        }


PLUGIN: Final[SessionFactory] = LiteRtSession


@contextmanager
def _without_greeting() -> Generator[None]:
    """Keep one line of LiteRT from the terminal, and let everything else that is said meanwhile through.

    Its logger writes to the file descriptor; the Python package offers no way to set its level, and reads no
    environment variable (google-ai-edge/LiteRT issue 7420). One thread at a time: two that swapped the descriptor in
    turns would leave it pointing to the wrong file, and the program mute.
    """
    with _DESCRIPTOR_IS_SWAPPED:
        yield from _with_swapped_descriptor()


def _with_swapped_descriptor() -> Generator[None]:
    try:
        sys.stderr.flush()
        kept = os.dup(_STDERR)
    except (OSError, ValueError, AttributeError):  # no terminal at all, for instance under pythonw
        yield
        return
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)
            said.seek(0)
            rest = b"".join(line for line in said if not line.startswith(_XNNPACK_GREETING))
            if rest:
                os.write(_STDERR, rest)
