"""Memory on a graphics card for a network's inputs and outputs, at addresses that never change.

A CUDA graph plays the kernels of one run again, on the addresses of its recording. So each set of buffers has a graph
of its own: played on another's, it would read and write where that one's lie, and nobody would notice.
"""

import weakref
from collections.abc import Mapping
from typing import Any, Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from mien_models.runtimes.ort.cuda_driver import CudaError, whole_pages
from mien_models.runtimes.ort.library import onnxruntime

CUDA_DEVICE: Final = "cuda"
NO_GRAPH: Final = -1
"""Of ONNX Runtime: such a run neither records nor plays."""
_GRAPH_KEYS: Final = ("gpu_graph_id", "cuda_graph_annotation_id")
"""What ONNX Runtime's CUDA provider and the plug-in for TensorRT-RTX call the number of a graph."""


class CardMemory(Protocol):
    """Memory of a card, and the way there and back; see `mien_models.runtimes.ort.cuda_driver`."""

    def allocate(self, size: int) -> int:
        """Give the address of so many bytes."""
        ...

    def free(self, address: int) -> None:
        """Give them back."""
        ...

    def lock(self, array: NDArray[Any]) -> bool:
        """Keep an array's pages in memory."""
        ...

    def unlock(self, address: int) -> None:
        """Let them go."""
        ...

    def upload(self, address: int, array: NDArray[Any]) -> None:
        """Copy to the card."""
        ...

    def download(self, array: NDArray[Any], address: int) -> None:
        """Copy from the card."""
        ...


class DeviceBuffers:
    """A pinned array here and memory there for each input and output, bound once."""

    def __init__(
        self,
        session: object,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Mapping[str, NDArray[Any] | None],
        memory: CardMemory,
        *,
        graph: int = 0,
        device: str = CUDA_DEVICE,
    ) -> None:
        """Allocate and bind.

        Args:
            session: ONNX Runtime's.
            inputs: an array of the right shape and type for every input.
            outputs: as much for every output; None where the network alone knows its shape, which rules out a graph.
            memory: the card's.
            graph: the number of these buffers' own CUDA graph in the session.
            device: what ONNX Runtime calls the card.

        Raises:
            CudaError: there is no room on the card.
        """
        self._session, self._memory, self._device = cast("Any", session), memory, device
        self._binding = self._session.io_binding()
        self._names, self._is_whole = tuple(outputs), all(one is not None for one in outputs.values())
        self._here: dict[str, NDArray[Any]] = {}
        self._there: dict[str, int] = {}
        self.is_pinned = True
        """Whether the card reads and writes all the arrays here by itself."""
        held: list[int] = []
        self._release = weakref.finalize(self, _released, memory, held, self._there)
        for name, like in inputs.items():
            address = self._placed(name, like, held)
            self._binding.bind_input(name, device, 0, like.dtype.type, like.shape, address)
        for name, like_or_none in outputs.items():
            if like_or_none is None:
                self._binding.bind_output(name, device)
            else:
                address = self._placed(name, like_or_none, held)
                self._binding.bind_output(name, device, 0, like_or_none.dtype.type, like_or_none.shape, address)
        self._recorded, self._plain = _run_options(graph), _run_options(NO_GRAPH)

    def run(self, feeds: Mapping[str, NDArray[Any]], *, is_recorded: bool = True) -> Mapping[str, NDArray[Any]]:
        """Copy to the card, run, copy back; the next run writes over the arrays that are returned."""
        self.upload(feeds)
        self.compute(is_recorded=is_recorded)
        return self.download()

    def upload(self, feeds: Mapping[str, NDArray[Any]]) -> None:
        """Bring the inputs to the card."""
        for name, array in feeds.items():
            np.copyto(self._here[name], array, casting="unsafe")
            self._memory.upload(self._there[name], self._here[name])

    def compute(self, *, is_recorded: bool = True) -> None:
        """Run on what is there; it is done when this returns."""
        options = self._recorded if is_recorded and self._is_whole else self._plain
        self._session.run_with_iobinding(self._binding, options)
        self._binding.synchronize_outputs()

    def download(self) -> Mapping[str, NDArray[Any]]:
        """Bring the outputs back."""
        if not self._is_whole:
            return dict(zip(self._names, self._binding.copy_outputs_to_cpu(), strict=True))
        for name in self._names:
            self._memory.download(self._here[name], self._there[name])
        return {name: self._here[name] for name in self._names}

    def _placed(self, name: str, like: NDArray[Any], held: list[int]) -> int:
        here = self._here[name] = whole_pages(like.shape, like.dtype)
        if self._memory.lock(here):
            held.append(here.ctypes.data)
        else:
            self.is_pinned = False
        self._there[name] = address = self._memory.allocate(here.nbytes)
        return address


def _released(memory: CardMemory, held: list[int], there: Mapping[str, int]) -> None:
    """Give all of it back; at the end of a program the driver may be gone before."""
    try:
        for address in there.values():
            memory.free(address)
        for address in held:
            memory.unlock(address)
    except CudaError:
        return


def _run_options(graph: int) -> object:
    options = cast("Any", onnxruntime.RunOptions())  # pyright: ignore[reportUnknownMemberType]
    for key in _GRAPH_KEYS:
        options.add_run_config_entry(key, str(graph))
    return cast("object", options)
