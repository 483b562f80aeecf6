"""NVIDIA's libraries: loaded from where pip puts them, before ONNX Runtime asks the system for them in vain."""

import ctypes
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from mien_models.runtimes.ort.library import onnxruntime
from mien_models.runtimes.ort.providers import PROVIDERS

DRIVER: Final = "cuda"
_CUDA: Final = ("cudart", "nvJitLink", "cublasLt", "cublas", "nvrtc", "curand", "cufft", "cudnn")
"""In the order in which each needs those before it."""
_NEEDED: Final[Mapping[str, Sequence[str]]] = {
    PROVIDERS["cuda"]: (DRIVER, "cudart", "cublasLt", "cublas", "curand", "cudnn"),
    PROVIDERS["tensorrt"]: (DRIVER, "cudart", "cublas", "cudnn", "nvinfer", "nvonnxparser"),
}
"""What each provider's own file asks for, and cuDNN, which CUDA's opens with the first convolution."""
_OWN_NUMBERS: Final[Mapping[str, int]] = {DRIVER: 1, "curand": 10, "cudnn": 9, "nvinfer": 10, "nvonnxparser": 10}
"""Versions in the files' names that do not go with CUDA's; as ONNX Runtime 1.31 asks for them."""
_PLACES: Final = ("nvidia/*/lib", "nvidia/*/bin/x86_64", "nvidia/*/bin", "tensorrt_libs")
"""Inside a folder of packages: the wheels of CUDA 13 share `nvidia/cu13`, cuDNN's has one of its own."""


@cache
def preload() -> None:
    """Load what is there of CUDA's libraries, once; what is not found is left to the system."""
    folders = library_folders(sys.path)
    if sys.platform == "win32":
        for folder in folders:
            os.add_dll_directory(str(folder))
    for name in _CUDA:
        for file in (folder / file_name(name) for folder in folders):
            if file.is_file() and _loads(str(file)):
                break


def library_folders(packages: Iterable[str]) -> tuple[Path, ...]:
    """Find the folders of libraries among folders of packages, in their order."""
    roots = [Path(one) for one in packages if one]
    return tuple(found for root in roots for place in _PLACES for found in sorted(root.glob(place)) if found.is_dir())


def missing(provider: str) -> tuple[str, ...]:
    """Name the files without which a provider of ONNX Runtime cannot start, those that are not to be had here."""
    if provider not in _NEEDED:
        return ()
    preload()
    return tuple(name for name in map(file_name, _NEEDED[provider]) if not _loads(name))


def file_name(library: str) -> str:
    """Give a library's name as the system's loader knows it."""
    number = _OWN_NUMBERS.get(library, cuda_major())
    if library == "cufft":
        number -= 1
    if sys.platform == "win32":
        bits = "" if library in {"nvinfer", "nvonnxparser"} else "64"
        return "nvcuda.dll" if library == DRIVER else f"{library}{bits}_{number}.dll"
    return f"lib{library}.so.{number}"


def cuda_major() -> int:
    """Say with which CUDA the installed ONNX Runtime was built; 13 where it does not say."""
    text = str(getattr(cast("Any", onnxruntime), "cuda_version", "") or "13")
    return int(text.split(".", maxsplit=1)[0])


def _loads(name: str) -> bool:
    try:
        # Global: what is loaded later finds it by its name alone.
        ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True
