"""ONNX Runtime, the engine of most networks that people bring along."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # noqa: TID251 # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]

from mien_models.contracts import Session, SessionFactory
from mien_models.engines.buffers import Buffers, CpuBuffers, DeviceBuffers, fixed
from mien_models.engines.plan import CPU_PROVIDER, CPU_RUN, Run
from mien_models.errors import ModelError
from mien_models.manifest import Manifest
from mien_models.network_file import check_content
from mien_models.ort import onnxruntime

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
_FAILURES: Final[tuple[type[Exception], ...]] = (*_REFUSALS, ValueError, RuntimeError)
_QUIET: Final = 3
_KEPT_SHAPES: Final = 4
"""Buffers are kept for so many combinations of shapes; a network meets one or two."""
_TYPES: Final[Mapping[str, type[np.generic]]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int64)": np.int64,
}


class OnnxSession:
    """A network in the ONNX format, whole in one file. `run` releases the GIL while it works."""

    def __init__(
        self, content: bytes, name: str, *, threads: int = 1, run: Run = CPU_RUN, profile: Path | None = None
    ) -> None:
        """Load it; nothing of a file that is refused is executed.

        Args:
            content: of the file.
            name: what to call it in messages.
            threads: of the processor, for one run.
            run: the provider to run it on; the processor takes what that one cannot.
            profile: how the file begins to which ONNX Runtime writes what ran where, until `end_profile`.

        Raises:
            ModelError: it is no ONNX network, a damaged one, one whose numbers lie in other files, or the provider does
                not start.
        """
        check_content(content, name)
        _require(run, cast("Any", onnxruntime).get_available_providers(), name)
        options = _options(threads, profile)
        wanted: list[Any] = [(run.provider, dict(run.options))]
        if run.provider != CPU_PROVIDER:
            wanted.append(CPU_PROVIDER)
        try:
            self._session = cast("Any", onnxruntime.InferenceSession(content, cast("Any", options), providers=wanted))
        except _REFUSALS as error:
            reason = str(error).splitlines()[0].strip()
            raise ModelError(
                f"{name!r} should be a network that ONNX Runtime runs, but: {reason}. Export or download it again."
            ) from error
        _require(run, self._session.get_providers(), name)
        inputs = cast("list[Any]", self._session.get_inputs())
        outputs = cast("list[Any]", self._session.get_outputs())
        self._name, self._is_on_cuda = name, run.is_on_cuda
        self._shapes = {str(one.name): _shape(one.shape) for one in inputs}
        self._types = {str(one.name): _TYPES.get(str(one.type), np.float32) for one in inputs}
        self._outputs = {str(one.name): _shape(one.shape) for one in outputs}
        self._output_types = {str(one.name): _TYPES.get(str(one.type), np.float32) for one in outputs}
        self._buffers: dict[tuple[tuple[int, ...], ...], Buffers] = {}

    @property
    def provider(self) -> str:
        """The first provider that was allowed to take nodes; `mien_models.engines.proof` says whether it did."""
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
        """Run once; inputs of another type are converted. The next run writes over the arrays that are returned.

        Raises:
            ModelError: an input of a wrong shape, or the provider failed.
        """
        try:
            return self._buffers_for(feeds).run(feeds)
        except _FAILURES as error:
            reason = str(error).splitlines()[0].strip()
            raise ModelError(f"The network {self._name!r} does not run on {self.provider}: {reason}.") from error

    def end_profile(self) -> Path:
        """Stop noting what runs where; give the file."""
        return Path(str(self._session.end_profiling()))

    def _buffers_for(self, feeds: Mapping[str, NDArray[Any]]) -> Buffers:
        shapes = tuple(feeds[name].shape for name in self._shapes if name in feeds)
        buffers = self._buffers.get(shapes)
        if buffers is None:
            if len(self._buffers) >= _KEPT_SHAPES:
                self._buffers.pop(next(iter(self._buffers)))
            buffers = self._buffers[shapes] = self._bound(feeds)
        return buffers

    def _bound(self, feeds: Mapping[str, NDArray[Any]]) -> Buffers:
        missing = [name for name in self._shapes if name not in feeds]
        if missing:
            raise ValueError(f"it also takes {', '.join(map(repr, missing))}")
        inputs: dict[str, NDArray[Any]] = {
            name: np.zeros(feeds[name].shape, self._types[name]) for name in self._shapes
        }
        outputs: dict[str, NDArray[Any] | None] = {
            name: np.zeros(shape, self._output_types[name]) if fixed(shape) else None
            for name, shape in self._outputs.items()
        }
        kind = DeviceBuffers if self._is_on_cuda else CpuBuffers
        return kind(self._session, inputs, outputs)


def _require(run: Run, providers: Sequence[str], name: str) -> None:
    if run.provider not in providers:
        raise ModelError(
            f"{name!r} was to run on {run.provider}, which ONNX Runtime does not have here or cannot start. "
            "'mien doctor' shows what is there."
        )


def _options(threads: int, profile: Path | None) -> object:
    options = cast("Any", onnxruntime.SessionOptions())  # pyright: ignore[reportUnknownMemberType]
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _QUIET
    # Threads that wait by spinning would take the processor from the other stages.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    return cast("object", options)


def _shape(dimensions: Sequence[object]) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else -1 for size in dimensions)


def _from_manifest(content: bytes, manifest: Manifest, *, threads: int = 1) -> Session:
    return OnnxSession(content, manifest.name, threads=threads)


PLUGIN: Final[SessionFactory] = _from_manifest
