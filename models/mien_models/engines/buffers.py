"""Static memory for a network's inputs and outputs: what goes through it every frame allocates nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from mien_models.ort import onnxruntime

CPU_DEVICE: Final = "cpu"
CUDA_DEVICE: Final = "cuda"


class Buffers(Protocol):
    """Runs a network on arrays of fixed shapes at fixed addresses, which a CUDA graph needs too."""

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Copy in, run, give the outputs; they are written over by the next run."""
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

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Copy in, run, give the outputs; they are written over by the next run."""
        for name, array in feeds.items():
            np.copyto(self._inputs[name], array, casting="unsafe")
        self._session.run_with_iobinding(self._binding)
        if len(self._outputs) == len(self._names):
            return self._outputs
        return dict(zip(self._names, self._binding.copy_outputs_to_cpu(), strict=True))


class DeviceBuffers:
    """Inputs and outputs in a graphics card's memory, at addresses that never change. Written from the documentation.

    A CUDA graph replays the kernels on the addresses of its recording; `update_inplace` copies to them.
    """

    def __init__(
        self, session: object, inputs: Mapping[str, NDArray[Any]], outputs: Mapping[str, NDArray[Any] | None]
    ) -> None:
        """Allocate on the first card and bind; see `CpuBuffers`."""
        self._session, self._names = cast("Any", session), list(outputs)
        self._binding = self._session.io_binding()
        self._types = {name: array.dtype for name, array in inputs.items()}
        self._on_device: dict[str, Any] = {}
        for name, array in inputs.items():
            value = cast("Any", onnxruntime.OrtValue).ortvalue_from_numpy(array, CUDA_DEVICE, 0)
            self._on_device[name] = value
            self._binding.bind_ortvalue_input(name, value)
        for name, into in outputs.items():
            if into is None:
                self._binding.bind_output(name, CUDA_DEVICE, 0)
            else:
                value = cast("Any", onnxruntime.OrtValue).ortvalue_from_shape_and_type(
                    into.shape, into.dtype.type, CUDA_DEVICE, 0
                )
                self._binding.bind_ortvalue_output(name, value)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Copy to the card, run, copy back."""
        for name, array in feeds.items():
            self._on_device[name].update_inplace(np.ascontiguousarray(array, self._types[name]))
        self._binding.synchronize_inputs()
        self._session.run_with_iobinding(self._binding)
        self._binding.synchronize_outputs()
        return dict(zip(self._names, self._binding.copy_outputs_to_cpu(), strict=True))


def fixed(shape: Sequence[int]) -> bool:
    """Say whether every side of a shape is known."""
    return all(side > 0 for side in shape)
