"""LiteRT, the engine that the MediaPipe networks were made for."""

from collections.abc import Mapping
from typing import Any, Final, cast

from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.interfaces import SessionFactory
from mien_models.specs.manifest import Manifest
from mien_models.system.stderr_descriptor import without_lines

_XNNPACK_GREETING: Final = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."


class LiteRtSession:
    """A .tflite network on the CPU, through LiteRT and XNNPACK. `run` releases the GIL while the network works."""

    def __init__(self, content: bytes, manifest: Manifest, *, threads: int = 1) -> None:
        """Load a network from the content of its file and plan its memory.

        Raises:
            ModelError: the content is no network that LiteRT can run.
        """
        try:
            with without_lines(_is_greeting):
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


def _is_greeting(line: bytes) -> bool:
    """Whether its logger says it, whose level the package cannot set, by code or by environment (LiteRT issue 7420)."""
    return line.startswith(_XNNPACK_GREETING)
