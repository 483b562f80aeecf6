"""A card made of ordinary memory: what goes over is copied, what is wrong is noticed."""

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray


class FakeCard:
    """Memory with addresses of its own; refuses to lock pages where it is told to."""

    def __init__(self, *, locks: bool = True) -> None:
        self.locks = locks
        self.there: dict[int, Any] = {}
        self.locked: set[int] = set()
        self.uploads = 0

    def allocate(self, size: int) -> int:
        block = (ctypes.c_ubyte * size)()
        address = ctypes.addressof(block)
        self.there[address] = block
        return address

    def free(self, address: int) -> None:
        del self.there[address]

    def lock(self, array: NDArray[Any]) -> bool:
        if self.locks:
            assert array.ctypes.data not in self.locked
            self.locked.add(array.ctypes.data)
        return self.locks

    def unlock(self, address: int) -> None:
        self.locked.remove(address)

    def upload(self, address: int, array: NDArray[Any]) -> None:
        assert array.nbytes <= len(self.there[address])
        ctypes.memmove(address, array.ctypes.data, array.nbytes)
        self.uploads += 1

    def download(self, array: NDArray[Any], address: int) -> None:
        assert array.nbytes <= len(self.there[address])
        ctypes.memmove(array.ctypes.data, address, array.nbytes)

    def seen(self, address: int) -> bytes:
        return np.frombuffer(self.there[address], np.uint8).tobytes()
