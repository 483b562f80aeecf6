"""Runs the files that are proven."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import onnx
from numpy.typing import NDArray

from mien_export.contracts import Network
from mien_export.engines.building import sha256_of, sidecar_of
from mien_export.fused import fusible
from mien_export.precision.lowering import is_half, islands_of
from mien_export.precision.overflows import half_faults
from mien_export.proof.pixels import Numbers, fed, from_bytes
from mien_export.runtime_input import runtime_input
from mien_export.weightless import read_weightless
from mien_models.errors import MienError
from mien_models.runtimes.ort.library import onnxruntime
from mien_models.runtimes.ort.refusal import refusal_of
from mien_models.system.json_text import json_object

GATE_STAMP: Final = "mien.gate"
"""Under which a file says that its export was allowed to differ more than usual, and why, as JSON."""


_LARGE_BYTES: Final = 600_000_000


class ServingError(MienError):
    """A file that should run here and does not."""


class Candidate:
    """An ONNX file on the processor of this computer, by ONNX Runtime."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            ServingError: it cannot be read or run.
        """
        try:
            model = read_weightless(path)
        except Exception as error:  # of protobuf's own classes
            raise _not_running(path, error) from error
        self.name, self._path = path.name, path
        self.is_half = is_half(model)
        """Whether weights stand in it in half precision."""
        self.islands, self.nodes = islands_of(model), len(model.graph.node)
        """What stays in full precision in a file of half precision, as it says of itself."""
        self.is_fused = any(one.type.tensor_type.elem_type == onnx.TensorProto.UINT8 for one in model.graph.input)
        """Whether it takes and gives bytes."""
        self.raised = _raised_by(model)
        """What its export was allowed to differ more than usual, with the reason; '' for nothing."""
        self.faults = _unsafe_norms(model)
        """What stands in the graph that no case may happen to show."""
        shapes = [[axis.dim_value for axis in one.type.tensor_type.shape.dim] for one in model.graph.input]
        self.takes_batches = all(not shape or shape[0] == 0 for shape in shapes)
        """Whether the first axis of every input is free."""
        self._batch = max((shape[0] for shape in shapes if len(shape) > 1), default=0) or None
        self._names = {one.name for one in model.graph.input}, [one.name for one in model.graph.output]

    def close(self) -> None:
        """Let its memory go; a later run opens it again."""
        self.__dict__.pop("_session", None)

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401 - without types
        """Opened when it is first run: what looks into the file before needs the memory for itself."""
        options = cast("Any", onnxruntime).SessionOptions()
        # What a run took is given back after it: large networks are proven once and not served.
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        if self._path.stat().st_size > _LARGE_BYTES:
            # The last level lays weights out anew, and holds them twice while it does.
            options.graph_optimization_level = cast("Any", onnxruntime).GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        try:
            return cast("Any", onnxruntime).InferenceSession(
                runtime_input(self._path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of ONNX Runtime's own classes
            raise _not_running(self._path, error) from error

    def run(self, inputs: Mapping[str, Numbers], network: Network) -> dict[str, Numbers]:
        """Give every output by its port.

        Raises:
            ServingError: the file has other names, or does not run.
        """
        has, gives = self._names
        wanted = {port.name for port in network.inputs}, {port.name for port in network.outputs}
        if has != wanted[0] or not wanted[1] <= set(gives):
            raise ServingError(
                f"{self.name!r} should take {sorted(wanted[0])} and give {sorted(wanted[1])}, but takes {sorted(has)} "
                f"and gives {sorted(gives)}; it was not exported from this checkpoint."
            )
        session = self._session
        try:
            answers = dict(zip(gives, session.run(gives, self._fed(inputs, network)), strict=True))
        except Exception as error:  # of ONNX Runtime's own classes
            raise ServingError(f"{self.name!r} does not run: {refusal_of(error)}.") from error
        if self.is_fused:
            spec = fusible(network)
            answers[spec.names.output] = from_bytes(answers[spec.names.output], spec)
        # A file of a fixed batch was asked the same thing several times.
        asked = max(len(inputs[port.name]) for port in network.inputs if port.has_batch)
        return {name: np.asarray(one[:asked], np.float32) for name, one in answers.items()}

    def inner_faults(self, runs: Sequence[Mapping[str, Numbers]], network: Network) -> tuple[str, ...]:
        """Look into a file of half precision; see `half_faults`."""
        if not self.is_half:
            return ()
        return half_faults(onnx.load(str(self._path)), [self._fed(one, network) for one in runs])

    def _fed(self, inputs: Mapping[str, Numbers], network: Network) -> dict[str, NDArray[Any]]:
        return fed(inputs, network, is_fused=self.is_fused, batch=self._batch)


def _not_running(path: Path, error: Exception) -> ServingError:
    return ServingError(f"{path.name!r} should be an ONNX file that runs here, but: {refusal_of(error)}.")


def _raised_by(model: onnx.ModelProto) -> str:
    return next((one.value for one in model.metadata_props if one.key == GATE_STAMP), "")


def _unsafe_norms(model: onnx.ModelProto) -> tuple[str, ...]:
    """Find norms without an epsilon: a channel of one value, which no case may have, is divided by zero there."""
    return tuple(
        f"{node.op_type} {node.name!r} has no epsilon"
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.name == "epsilon" and not attribute.f > 0
    )


def _engine_told(path: Path) -> str:
    """Say what an engine is of, by what stands beside it."""
    if not sidecar_of(path).is_file():
        raise ServingError(
            f"{path.name!r} should be an .onnx file, or an engine with the {sidecar_of(path).name!r} beside it that "
            "mien-export engine wrote; nothing tells what this is of, so it cannot be proven."
        )
    try:
        told = json_object(sidecar_of(path).read_text(encoding="utf-8"))
        made = f"{told['kind']} {told['version']} built it of {told['model']!r} ({told['model_sha256'][:12]})"
        kept = str(told["engine_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return "it runs on its card only, and nothing beside it says what it is of; build it with mien-export engine"
    if sha256_of(path) != kept:
        raise ServingError(f"{path.name!r} is not the engine that {sidecar_of(path).name!r} tells of; build it anew.")
    return f"{made}; it runs on its card only, and none is used here"


def open_candidate(path: Path) -> Candidate | str:
    """Open a file, or say why it cannot be run here.

    Raises:
        ServingError: it should run and does not.
    """
    if path.suffix.lower() != ".onnx":
        return _engine_told(path)
    return Candidate(path)
