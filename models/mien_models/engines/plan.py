"""Which providers of ONNX Runtime are tried for a network, in which order and with which options."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

CPU_PROVIDER: Final = "CPUExecutionProvider"
PROVIDERS: Final[Mapping[str, str]] = {
    "tensorrt-rtx": "NvTensorRTRTXExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": CPU_PROVIDER,
}
"""What users call them, the preferred one first, and what ONNX Runtime calls them."""
BUILDS: Final = frozenset({"tensorrt-rtx", "tensorrt"})
"""They build an engine for the card, which takes minutes the first time."""
_ON_CUDA: Final = frozenset(PROVIDERS[name] for name in ("tensorrt-rtx", "tensorrt", "cuda"))


@dataclass(frozen=True, slots=True)
class Run:
    """One way to run a network."""

    name: str
    """What users call the provider: a key of `PROVIDERS`."""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    is_half: bool = False
    """Whether the provider computes in 16 bits although the file has 32: faster, and some networks do not stand it."""

    @property
    def provider(self) -> str:
        """What ONNX Runtime calls the provider."""
        return PROVIDERS[self.name]

    @property
    def is_on_cuda(self) -> bool:
        """Whether inputs and outputs lie in a card's memory."""
        return self.provider in _ON_CUDA

    @property
    def title(self) -> str:
        """How messages name it."""
        return f"{self.name} in 16 bits" if self.is_half else self.name


CPU_RUN: Final = Run("cpu")


def planned_runs(preferred: str, available: Sequence[str], caches: Path | None = None) -> tuple[Run, ...]:
    """Order the ways to run a network, the fastest first; the processor, which always runs, comes last.

    Args:
        preferred: a key of `PROVIDERS`, or 'auto' for all that are there.
        available: the providers of the installed ONNX Runtime.
        caches: a folder for built engines, one network's alone; without it nothing is kept.
    """
    names = [name for name, provider in PROVIDERS.items() if provider in available]
    if preferred != "auto":
        names = [preferred, *(name for name in names if name == "cpu" and preferred != "cpu")]
    runs: list[Run] = []
    for name in names:
        runs += _runs_of(name, caches)
    return tuple(runs)


def _runs_of(name: str, caches: Path | None) -> list[Run]:
    """Give the ways to run on one provider; options as ONNX Runtime 1.31 documents them, unrun without a card."""
    if name == "tensorrt":
        kept = {} if caches is None else _tensorrt_caches(caches)
        return [
            Run(name, {**kept, "trt_fp16_enable": "True", "trt_cuda_graph_enable": "True"}, is_half=True),
            Run(name, {**kept, "trt_cuda_graph_enable": "True"}),
        ]
    if name == "tensorrt-rtx":
        kept = {} if caches is None else {"nv_runtime_cache_path": str(caches)}
        return [Run(name, {**kept, "enable_cuda_graph": "1"})]
    if name == "cuda":
        return [Run(name, {"enable_cuda_graph": "1"}), Run(name)]
    if name == "coreml":
        kept = {} if caches is None else {"ModelCacheDirectory": str(caches)}
        return [Run(name, {**kept, "ModelFormat": "MLProgram", "RequireStaticInputShapes": "1"})]
    if name == "openvino":
        kept = {} if caches is None else {"cache_dir": str(caches)}
        device = "CPU" if platform.machine() not in {"x86_64", "AMD64"} else "AUTO:GPU,CPU"
        return [Run(name, {**kept, "device_type": device})]
    return [Run(name)]


def _tensorrt_caches(caches: Path) -> dict[str, str]:
    return {
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": str(caches),
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": str(caches),
    }
