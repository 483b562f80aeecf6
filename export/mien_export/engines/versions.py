"""Which versions belong together: what builds an engine, and what can load it."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pair:
    """What loads engines, and which builder makes them."""

    loads: str
    """A program and the beginning of its version."""
    builder: str
    version: str
    """How the builder's version begins."""


PAIRS: Final = (
    Pair("onnxruntime 1.31", "tensorrt", "10."),
    Pair("onnxruntime-ep-nv-tensorrt-rtx 0.5", "tensorrt_rtx", "1.7."),
)
"""Of the release notes of ONNX Runtime 1.31 and of its plug-in for TensorRT-RTX 0.5."""


def ort_refusal(ort_version: str, tensorrt_version: str | None) -> str | None:
    """Say why ONNX Runtime's TensorRT provider cannot build or load with this TensorRT, naming the pair that can."""
    pair = next((one for one in PAIRS if one.loads == f"onnxruntime {'.'.join(ort_version.split('.')[:2])}"), None)
    if pair is None:
        known = ", ".join(f"{one.loads} with {one.builder} {one.version}x" for one in PAIRS)
        return f"It is not known which TensorRT ONNX Runtime {ort_version} needs. Known pairs: {known}."
    if tensorrt_version is not None and tensorrt_version.startswith(pair.version):
        return None
    found = "none" if tensorrt_version is None else tensorrt_version
    return (
        f"{pair.loads} loads engines of TensorRT {pair.version}x, but {found} is installed. Install "
        f"'{pair.builder}=={pair.version}*', or build with --kind tensorrt for a program that loads {found} itself."
    )


def loading_refusal(kind: str, built_with: str, loads: str) -> str | None:
    """Say why an engine cannot be loaded by another version than the one that built it, naming the one that can.

    Args:
        kind: of the builder.
        built_with: its version.
        loads: the version that shall load it.

    Returns:
        One sentence, or None when it can.
    """
    if built_with == loads:
        return None
    return (
        f"An engine that {kind} {built_with} built is loaded by {kind} {built_with} alone, not by {loads}: "
        f"install {loads} here and build it anew, or use {built_with} there."
    )
