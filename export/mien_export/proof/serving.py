"""Runs the files that are proven."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import onnx
import onnxruntime

from mien_export.contracts import Network
from mien_export.proof.cases import Numbers
from mien_models.errors import MienError

_HALF: Final = onnx.TensorProto.FLOAT16


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
            model = onnx.load(str(path))
            session = cast("Any", onnxruntime).InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:  # both libraries raise classes of their own
            said = f"{path.name!r} should be an ONNX file that runs here, but: {error}"
            raise ServingError(said.splitlines()[0]) from error
        self._session = session
        self._name = path.name
        self.is_half = any(one.data_type == _HALF for one in model.graph.initializer)
        """Whether weights stand in it in half precision."""
        self.faults = _unsafe_norms(model)
        """What stands in the graph that no case may happen to show."""
        shapes = [[axis.dim_value for axis in one.type.tensor_type.shape.dim] for one in model.graph.input]
        self.takes_batches = all(not shape or shape[0] == 0 for shape in shapes)
        """Whether the first axis of every input is free."""
        self._names = {one.name for one in model.graph.input}, [one.name for one in model.graph.output]

    def run(self, inputs: Mapping[str, Numbers], network: Network) -> dict[str, Numbers]:
        """Give every output by its port.

        Raises:
            ServingError: the file has other names, or does not run.
        """
        has, gives = self._names
        wanted = {port.name for port in network.inputs}, {port.name for port in network.outputs}
        if has != wanted[0] or not wanted[1] <= set(gives):
            raise ServingError(
                f"{self._name!r} should take {sorted(wanted[0])} and give {sorted(wanted[1])}, but takes {sorted(has)} "
                f"and gives {sorted(gives)}; it was not exported from this checkpoint."
            )
        try:
            answers = self._session.run(gives, dict(inputs))
        except Exception as error:  # of ONNX Runtime's own classes
            raise ServingError(f"{self._name!r} does not run: {error}".splitlines()[0]) from error
        return {name: np.asarray(one, np.float32) for name, one in zip(gives, answers, strict=True)}


def _unsafe_norms(model: onnx.ModelProto) -> tuple[str, ...]:
    """Find norms without an epsilon: a channel of one value, which no case may have, is divided by zero there."""
    return tuple(
        f"{node.op_type} {node.name!r} has no epsilon"
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.name == "epsilon" and not attribute.f > 0
    )


def open_candidate(path: Path) -> Candidate | str:
    """Open a file, or say why it cannot be run here.

    Raises:
        ServingError: it should run and does not.
    """
    if path.suffix.lower() != ".onnx":
        return "an engine runs on its GPU only, which no test of ours has had"
    return Candidate(path)
