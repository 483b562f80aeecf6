"""NVIDIA's driver, where ONNX Runtime's Python interface does not reach: memory that is not paged, and copies to it.

Written from the CUDA driver API's reference, and run on an H100. The names are the driver's own.
"""

import ctypes
import mmap
import sys
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien_models.errors import MienError

_LIBRARY: Final = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_FIRST_CARD: Final = 0
_DEFAULT_STREAM: Final = 0


class CudaError(MienError):
    """The driver refused."""


class CudaDriver:
    """The first card's memory, in the context that ONNX Runtime uses too; any thread may call."""

    def __init__(self, library: Any) -> None:  # noqa: ANN401 - ctypes
        """Take the loaded library and find the card's context.

        Raises:
            CudaError: there is no card, or the driver does not answer.
        """
        self._library = library
        device = ctypes.c_int()
        self._context = ctypes.c_void_p()
        self._call("cuInit", 0)
        self._call("cuDeviceGet", ctypes.byref(device), _FIRST_CARD)
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), device)

    def allocate(self, size: int) -> int:
        """Give the address of so many bytes on the card."""
        address = ctypes.c_uint64()
        self._in_context("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(max(1, size)))
        return int(address.value)

    def free(self, address: int) -> None:
        """Give memory on the card back."""
        self._in_context("cuMemFree_v2", ctypes.c_uint64(address))

    def lock(self, array: NDArray[Any]) -> bool:
        """Keep an array's pages in memory, so that the card reads them by itself; False where that is not allowed."""
        try:
            address, size = ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes)
            self._in_context("cuMemHostRegister_v2", address, size, ctypes.c_uint(0))
        except CudaError:
            return False
        return True

    def unlock(self, address: int) -> None:
        """Let the pages at an address go again."""
        self._in_context("cuMemHostUnregister", ctypes.c_void_p(address))

    def upload(self, address: int, array: NDArray[Any]) -> None:
        """Copy an array to the card; it is there when this returns."""
        size = ctypes.c_size_t(array.nbytes)
        self._in_context("cuMemcpyHtoD_v2", ctypes.c_uint64(address), ctypes.c_void_p(array.ctypes.data), size)
        # From ordinary memory the call comes back earlier than the copy is done.
        self._call("cuStreamSynchronize", ctypes.c_void_p(_DEFAULT_STREAM))

    def download(self, array: NDArray[Any], address: int) -> None:
        """Copy from the card into an array."""
        size = ctypes.c_size_t(array.nbytes)
        self._in_context("cuMemcpyDtoH_v2", ctypes.c_void_p(array.ctypes.data), ctypes.c_uint64(address), size)

    def _in_context(self, name: str, *arguments: Any) -> None:  # noqa: ANN401
        self._call("cuCtxSetCurrent", self._context)
        self._call(name, *arguments)

    def _call(self, name: str, *arguments: Any) -> None:  # noqa: ANN401
        status = int(getattr(self._library, name)(*arguments))
        if status:
            raise CudaError(f"NVIDIA's driver answered {name} with the error {status}.")


@cache
def cuda_driver() -> CudaDriver | None:
    """Open the driver, or None where there is none that works."""
    try:
        return CudaDriver(ctypes.CDLL(_LIBRARY))
    except (OSError, AttributeError, CudaError):
        return None


def whole_pages(shape: tuple[int, ...], kind: np.dtype[Any]) -> NDArray[Any]:
    """Make an array of zeros that shares none of its pages: a page can be locked only once."""
    count = int(np.prod(shape))
    pages = mmap.mmap(-1, max(1, count * kind.itemsize))
    return np.frombuffer(pages, kind, count).reshape(shape)
