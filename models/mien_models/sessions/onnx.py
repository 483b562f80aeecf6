"""ONNX Runtime, the engine of most networks that people bring along."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]

from mien_models.contracts import Session, SessionFactory
from mien_models.errors import ModelError
from mien_models.manifest import Manifest

_LOG = logging.getLogger(__name__)
CPU: Final = "CPUExecutionProvider"
# ONNX Runtime carries no annotations: its errors are typed here, once.
_REFUSALS: Final = cast(
    "tuple[type[Exception], ...]",
    (
        ort_errors.Fail,
        ort_errors.InvalidArgument,
        ort_errors.InvalidGraph,
        ort_errors.InvalidProtobuf,
        ort_errors.NotImplemented,
        ort_errors.NoSuchFile,
        ort_errors.RuntimeException,
    ),
)
_EXTERNAL: Final = b"\x0a\x08location\x12"
"""How a tensor says that its numbers lie in another file (onnx.proto: external_data, the key 'location')."""
_CHECKPOINTS: Final = ((b"PK\x03\x04", "a PyTorch checkpoint or another archive"), (b"\x80", "a Python pickle"))
_QUIET: Final = 3
_TYPES: Final[Mapping[str, type[np.generic]]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int64)": np.int64,
}


class OnnxSession:
    """A network in the ONNX format, whole in one file. `run` releases the GIL while it works."""

    def __init__(self, content: bytes, name: str, *, threads: int = 1, providers: Sequence[str] = (CPU,)) -> None:
        """Load it; nothing of a file that is refused is executed.

        Args:
            content: of the file.
            name: what to call it in messages.
            threads: of the processor, for one run.
            providers: of ONNX Runtime, the preferred one first.

        Raises:
            ModelError: it is no ONNX network, a damaged one, or one whose numbers lie in other files.
        """
        _refuse_foreign(content, name)
        options = cast("Any", onnxruntime.SessionOptions())  # pyright: ignore[reportUnknownMemberType]
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        # Threads that wait by spinning would take the processor from the other stages.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=list(providers))
        except _REFUSALS as error:
            reason = str(error).splitlines()[0].strip()
            raise ModelError(
                f"{name!r} should be a network that ONNX Runtime runs, but: {reason}. Export or download it again."
            ) from error
        inputs = cast("list[Any]", self._session.get_inputs())
        outputs = cast("list[Any]", self._session.get_outputs())
        self._shapes = {str(one.name): _shape(one.shape) for one in inputs}
        self._types = {str(one.name): _TYPES.get(str(one.type), np.float32) for one in inputs}
        self._outputs = {str(one.name): _shape(one.shape) for one in outputs}

    @property
    def provider(self) -> str:
        """The first provider that took nodes of the network."""
        return str(cast("list[Any]", self._session.get_providers())[0])

    @property
    def input_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every input by name; -1 where it is free."""
        return self._shapes

    @property
    def input_types(self) -> Mapping[str, type[np.generic]]:
        """What the numbers of every input are."""
        return self._types

    @property
    def output_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every output by name; -1 where it is free."""
        return self._outputs

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Run once; inputs of another type are converted, and the arrays returned are the caller's own."""
        typed = {name: np.ascontiguousarray(array, self._types[name]) for name, array in feeds.items()}
        answers = cast("list[NDArray[Any]]", self._session.run(list(self._outputs), typed))
        return dict(zip(self._outputs, answers, strict=True))


def _refuse_foreign(content: bytes, name: str) -> None:
    if not content:
        raise ModelError(f"{name!r} is empty, where an ONNX network was expected. Export or download it again.")
    for beginning, kind in _CHECKPOINTS:
        if content.startswith(beginning):
            raise ModelError(
                f"{name!r} is {kind}, where an ONNX network was expected; nothing of it was run. "
                "Export it to ONNX first."
            )
    if _EXTERNAL in content:
        raise ModelError(
            f"{name!r} keeps its numbers in other files, where one whole file was expected. Save it again as one file "
            "(onnx.save with save_as_external_data=False)."
        )


def _shape(dimensions: Sequence[object]) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else -1 for size in dimensions)


def _from_manifest(content: bytes, manifest: Manifest, *, threads: int = 1) -> Session:
    return OnnxSession(content, manifest.name, threads=threads)


PLUGIN: Final[SessionFactory] = _from_manifest
