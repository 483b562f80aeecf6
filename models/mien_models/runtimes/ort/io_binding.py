"""Static memory for a network's inputs and outputs: what goes through it every frame allocates nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

CPU_DEVICE: Final = "cpu"


class Buffers(Protocol):
    """Runs a network on arrays of fixed shapes at fixed addresses, which a CUDA graph needs too."""

    def run(self, feeds: Mapping[str, NDArray[Any]], *, is_recorded: bool = True) -> Mapping[str, NDArray[Any]]:
        """Copy in, run, give the outputs; they are written over by the next run.

        Args:
            feeds: every input.
            is_recorded: whether a CUDA graph may be recorded or played; the processor has none.
        """
        ...


class CpuBuffers:
    """Inputs and, where their shapes are fixed, outputs in ordinary memory, bound once."""

    def __init__(
        self, session: object, inputs: Mapping[str, NDArray[Any]], outputs: Mapping[str, NDArray[Any] | None]
    ) -> None:
        """Bind.

        Args:
            session: ONNX Runtime's.
            inputs: an array of the right shape and type for every input.
            outputs: as much for every output; None where the network alone knows its shape.
        """
        self._session, self._inputs, self._names = cast("Any", session), inputs, tuple(outputs)
        self._outputs = {name: array for name, array in outputs.items() if array is not None}
        self._binding = self._session.io_binding()
        for name, array in inputs.items():
            self._binding.bind_input(name, CPU_DEVICE, 0, array.dtype.type, array.shape, array.ctypes.data)
        for name, into in outputs.items():
            if into is None:
                self._binding.bind_output(name, CPU_DEVICE)
            else:
                self._binding.bind_output(name, CPU_DEVICE, 0, into.dtype.type, into.shape, into.ctypes.data)

    def run(self, feeds: Mapping[str, NDArray[Any]], *, is_recorded: bool = True) -> Mapping[str, NDArray[Any]]:  # noqa: ARG002
        """Copy in, run, give the outputs; they are written over by the next run."""
        for name, array in feeds.items():
            np.copyto(self._inputs[name], array, casting="unsafe")
        self._session.run_with_iobinding(self._binding)
        if len(self._outputs) == len(self._names):
            return self._outputs
        return dict(zip(self._names, self._binding.copy_outputs_to_cpu(), strict=True))


def fixed(shape: Sequence[int]) -> bool:
    """Say whether every side of a shape is known."""
    return all(side > 0 for side in shape)
