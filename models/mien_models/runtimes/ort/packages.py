"""Which package makes networks run on which NVIDIA card, and the line that installs it.

Facts of onnxruntime-gpu 1.31 (built with CUDA 13) and of onnxruntime-ep-nv-tensorrt-rtx 0.5, whose own check of the
card lets in compute capabilities 8.6, 8.9, and 12.0 and later.
"""

from dataclasses import dataclass
from typing import Final

from mien_models.runtimes.ort.card import GraphicsCard

CUDA_LINE: Final = "uv pip uninstall onnxruntime && uv pip install 'onnxruntime-gpu[cuda,cudnn]==1.31.*'"
"""One ONNX Runtime takes the other's place: both carry the same files."""
CUDA_LIBRARIES_LINE: Final = "uv pip install 'onnxruntime-gpu[cuda,cudnn]==1.31.*'"
RTX_LINE: Final = "uv pip install onnxruntime-ep-nv-tensorrt-rtx"
RTX_CUDA_12_LINE: Final = "uv pip install onnxruntime-ep-nv-tensorrt-rtx-cu12"
TENSORRT_LINE: Final = "uv pip install 'tensorrt-cu13<11'"
_RTX_CAPABILITIES: Final = ((8, 6), (8, 9))
_RTX_FROM: Final = (12, 0)
_OLDEST: Final = (7, 5)
"""CUDA 13 has left out what is older than Turing."""
DRIVER_OF_CUDA_13: Final = 580
DRIVER_OF_CUDA_12: Final = 525


@dataclass(frozen=True, slots=True)
class Package:
    """What to install for a card."""

    provider: str
    """What users call what it brings: a key of `mien_models.runtimes.ort.providers.PROVIDERS`."""
    line: str
    """The command."""


def takes_rtx(capability: tuple[int, int]) -> bool:
    """Say whether TensorRT for RTX takes a card: GeForce and RTX of the series 30, 40 and 50, no data centre's."""
    return capability in _RTX_CAPABILITIES or capability >= _RTX_FROM


def package_for(card: GraphicsCard) -> Package | str:
    """Choose the package for a card and its driver, or say in one sentence why there is none."""
    if card.capability < _OLDEST:
        return (
            f"{card.name} is older than what CUDA 13 runs on (compute capability 7.5); networks run on the processor."
        )
    if takes_rtx(card.capability):
        if card.driver_major >= DRIVER_OF_CUDA_13:
            return Package("tensorrt-rtx", RTX_LINE)
        if card.driver_major >= DRIVER_OF_CUDA_12:
            return Package("tensorrt-rtx", RTX_CUDA_12_LINE)
    elif card.driver_major >= DRIVER_OF_CUDA_13:
        return Package("cuda", CUDA_LINE)
    return f"The driver {card.driver} of {card.name} is too old; install {DRIVER_OF_CUDA_13} or newer from NVIDIA."
