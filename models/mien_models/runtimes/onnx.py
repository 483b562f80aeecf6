"""ONNX Runtime, the engine of most networks that people bring along."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # noqa: TID251 # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]

from mien_models.errors import ModelError
from mien_models.interfaces import Session, SessionFactory
from mien_models.onnx_format.check import check_content
from mien_models.runtimes.ort.available import available
from mien_models.runtimes.ort.cuda_driver import cuda_driver
from mien_models.runtimes.ort.device_buffers import DeviceBuffers
from mien_models.runtimes.ort.io_binding import Buffers, CpuBuffers, fixed
from mien_models.runtimes.ort.library import onnxruntime
from mien_models.runtimes.ort.plug_ins import plug_ins
from mien_models.runtimes.ort.providers import CPU_PROVIDER, CPU_RUN, Run
from mien_models.runtimes.ort.refusal import refusal_of
from mien_models.specs.manifest import Manifest

# ONNX Runtime carries no annotations: its errors are typed here, once.
_REFUSALS: Final = cast(
    "tuple[type[Exception], ...]",
    (
        ort_errors.EPFail,
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
        self,
        content: bytes,
        name: str,
        *,
        threads: int = 1,
        run: Run = CPU_RUN,
        profile: Path | None = None,
        is_alone: bool = False,
        sizes: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Load it; nothing of a file that is refused is executed.

        Args:
            content: of the file.
            name: what to call it in messages.
            threads: of the processor, for one run.
            run: the provider to run it on; the processor takes what that one cannot.
            profile: how the file begins to which ONNX Runtime writes what ran where, until `end_profile`.
            is_alone: whether the processor may take nothing that the provider cannot; it is then refused.
            sizes: of sides that the file leaves free, by their names, for all runs; what is fixed runs faster.

        Raises:
            ModelError: it is no ONNX network, a damaged one, one whose numbers lie in other files, or the provider does
                not start.
        """
        check_content(content, name)
        if run.provider != CPU_PROVIDER:
            # Looking around loads libraries of hundreds of megabytes, which the processor does not need.
            _require(run, available().ready, name)
        self._session = _opened(
            content, name, run, _options(threads, profile, sizes, is_alone=is_alone), is_alone=is_alone
        )
        _require(run, self._session.get_providers(), name)
        self._is_profiled = profile is not None
        inputs = cast("list[Any]", self._session.get_inputs())
        outputs = cast("list[Any]", self._session.get_outputs())
        self._name, self._is_on_cuda = name, run.is_on_cuda
        self._shapes = {str(one.name): _shape(one.shape) for one in inputs}
        self._free_sides = {str(one.name): tuple(one.shape) for one in (*inputs, *outputs)}
        self._types = {str(one.name): _TYPES.get(str(one.type), np.float32) for one in inputs}
        self._outputs = {str(one.name): _shape(one.shape) for one in outputs}
        self._output_types = {str(one.name): _TYPES.get(str(one.type), np.float32) for one in outputs}
        self._buffers: dict[tuple[tuple[int, ...], ...], Buffers] = {}
        self._graphs = count()

    @property
    def provider(self) -> str:
        """The first provider that may take nodes; `mien_models.runtimes.ort.self_test` says whether it did."""
        return str(cast("list[Any]", self._session.get_providers())[0])

    @property
    def input_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of every input by name; -1 where it is free."""
        return self._shapes

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Run once; inputs of another type are converted. The next run writes over the arrays that are returned.

        Raises:
            ModelError: an input of a wrong shape, or the provider failed.
        """
        try:
            # A profile waits for each node, which a recording does not allow.
            return self.buffers_for(feeds).run(feeds, is_recorded=not self._is_profiled)
        except _FAILURES as error:
            raise ModelError(
                f"The network {self._name!r} does not run on {self.provider}: {refusal_of(error)}."
            ) from error

    def end_profile(self) -> Path:
        """Stop noting what runs where; give the file."""
        self._is_profiled = False
        return Path(str(self._session.end_profiling()))

    def buffers_for(self, feeds: Mapping[str, NDArray[Any]]) -> Buffers:
        """Give what inputs of these shapes go through; made with the first ones.

        Raises:
            ValueError: an input is missing.
        """
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
            for name, shape in self._outputs_for(inputs).items()
        }
        driver = cuda_driver() if self._is_on_cuda else None
        if driver is None:
            return CpuBuffers(self._session, inputs, outputs)
        return DeviceBuffers(self._session, inputs, outputs, driver, graph=next(self._graphs))

    def _outputs_for(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, tuple[int, ...]]:
        """Give every output's shape for these inputs: on a card also where it goes with a free side of an input's."""
        if not self._is_on_cuda:
            return self._outputs
        sides: dict[object, int] = {}
        for name, array in inputs.items():
            for side, size in zip(self._free_sides[name], array.shape, strict=False):
                # One identity for four pictures: a side of 1 gives way, as it does in the network.
                sides[side] = max(size, sides.get(side, 1))
        return {
            name: tuple(side if isinstance(side, int) else sides.get(side, -1) for side in self._free_sides[name])
            for name in self._outputs
        }


def _opened(content: bytes, name: str, run: Run, options: Any, *, is_alone: bool) -> Any:  # noqa: ANN401 - without annotations
    """Make ONNX Runtime's session.

    Raises:
        ModelError: it is refused, or the provider does not start.
    """
    plugged = plug_ins() if run.provider != CPU_PROVIDER else {}  # pyright: ignore[reportUnknownVariableType]
    devices = plugged[run.provider].devices if run.provider in plugged else ()  # pyright: ignore[reportUnknownVariableType]
    wanted: list[Any] = [(run.provider, dict(run.options))]
    if run.provider != CPU_PROVIDER and not is_alone:
        # A session that leaves nothing to the processor refuses to have it named.
        wanted.append(CPU_PROVIDER)
    if devices:
        options.add_provider_for_devices(list(devices), dict(run.options))  # pyright: ignore[reportUnknownArgumentType]
    try:
        # Its own way of falling back prints to standard output, which is for results.
        return cast(
            "Any",
            onnxruntime.InferenceSession(content, options, providers=None if devices else wanted, enable_fallback=0),
        )
    except _FAILURES as error:
        reason = refusal_of(error)
        if run.provider != CPU_PROVIDER:
            raise ModelError(f"{name!r} does not start on {run.title}: {reason}.") from error
        raise ModelError(
            f"{name!r} should be a network that ONNX Runtime runs, but: {reason}. Export or download it again."
        ) from error


def _require(run: Run, providers: Sequence[str], name: str) -> None:
    if run.provider in providers:
        return
    unready = available().unready.get(run.provider)
    why = "ONNX Runtime does not have it here, or cannot start it." if unready is None else unready.sentence
    raise ModelError(f"{name!r} was to run on {run.provider}, but: {why} 'mien doctor' shows what is there.")


def _options(threads: int, profile: Path | None, sizes: Mapping[str, int], *, is_alone: bool) -> object:
    options = cast("Any", onnxruntime.SessionOptions())  # pyright: ignore[reportUnknownMemberType]
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _QUIET
    # Threads that wait by spinning would take the processor from the other stages.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    for side, size in sizes.items():
        options.add_free_dimension_override_by_name(side, size)
    if is_alone:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    return cast("object", options)


def _shape(dimensions: Sequence[object]) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else -1 for size in dimensions)


def _from_manifest(content: bytes, manifest: Manifest, *, threads: int = 1) -> Session:
    return OnnxSession(content, manifest.name, threads=threads)


PLUGIN: Final[SessionFactory] = _from_manifest
