"""Which providers of ONNX Runtime are tried for a network, in which order and with which options."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
ON_CUDA: Final = frozenset(PROVIDERS[name] for name in ("tensorrt-rtx", "tensorrt", "cuda"))
"""They run on NVIDIA cards."""


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
        return self.provider in ON_CUDA

    @property
    def title(self) -> str:
        """How messages name it."""
        return f"{self.name} in 16 bits" if self.is_half else self.name


CPU_RUN: Final = Run("cpu")


def planned_runs(preferred: str, available: Sequence[str]) -> tuple[Run, ...]:
    """Order the ways to run a network, the fastest first; the processor, which always runs, comes last.

    Args:
        preferred: a key of `PROVIDERS`, or 'auto' for all that are there.
        available: the providers of the installed ONNX Runtime.
    """
    names = [name for name, provider in PROVIDERS.items() if provider in available]
    if preferred != "auto":
        names = [preferred, *(name for name in names if name == "cpu" and preferred != "cpu")]
    return tuple(run for name in names for run in _runs_of(name))


def _runs_of(name: str) -> tuple[Run, ...]:
    """Give the ways to run on one provider; options as ONNX Runtime 1.31 has them; only CUDA's have run on a card."""
    if name == "tensorrt":
        graph = {"trt_cuda_graph_enable": "True"}
        return Run(name, {**graph, "trt_fp16_enable": "True"}, is_half=True), Run(name, graph)
    if name == "tensorrt-rtx":
        return (Run(name, {"enable_cuda_graph": "1"}),)
    if name == "cuda":
        return Run(name, {"enable_cuda_graph": "1"}), Run(name)
    if name == "coreml":
        return (Run(name, {"ModelFormat": "MLProgram", "RequireStaticInputShapes": "1"}),)
    if name == "openvino":
        has_intel = platform.machine() in {"x86_64", "AMD64"}
        return (Run(name, {"device_type": "AUTO:GPU,CPU" if has_intel else "CPU"}),)
    return (Run(name),)
