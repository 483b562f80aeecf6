"""Between the numbers of a swapper and the bytes of its fused variant."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien_export.contracts import Network
from mien_export.fused import fusible
from mien_models.specs.network import SwapSpec
from mien_models.types import BgrU8, as_u8

Numbers = NDArray[np.float32]
Pixels = NDArray[np.uint8]


def fed(
    inputs: Mapping[str, Numbers], network: Network, *, is_fused: bool, batch: int | None
) -> dict[str, NDArray[Any]]:
    """Give what a file takes for what the plain network takes.

    Args:
        inputs: by port, a picture or several.
        network: the plain one.
        is_fused: whether the file takes bytes.
        batch: how many pictures it takes at once, where that is fixed; one that is given is then repeated.
    """
    given: dict[str, NDArray[Any]] = dict(inputs)
    if is_fused:
        spec = fusible(network)
        given[spec.names.target] = to_bytes(inputs[spec.names.target], spec)
    for port in network.inputs if batch is not None else ():
        if port.has_batch and len(given[port.name]) == 1:
            given[port.name] = np.repeat(given[port.name], batch or 1, axis=0)
    return given


def to_bytes(numbers: Numbers, spec: SwapSpec) -> Pixels:
    """Give what a fused file takes, (n, side, side, 3) BGR, of what the plain network takes."""
    rows = numbers.transpose(0, 2, 3, 1) if spec.crop.layout == "nchw" else numbers
    levels = (rows - np.array(spec.crop.offset)) / np.array(spec.crop.scale)
    pixels = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(pixels[..., ::-1] if spec.crop.colour == "rgb" else pixels)


def from_bytes(pixels: Pixels, spec: SwapSpec) -> Numbers:
    """Give what the plain network would give for the bytes that a fused file gives."""
    rows = pixels[..., ::-1] if spec.crop.colour == "rgb" else pixels
    numbers = (rows.astype(np.float32) - spec.output.offset) / spec.output.scale
    planes = numbers.transpose(0, 3, 1, 2) if spec.crop.layout == "nchw" else numbers
    return np.ascontiguousarray(planes, np.float32)


def from_numbers(numbers: Numbers, spec: SwapSpec) -> BgrU8:
    """Give the picture (side, side, 3) BGR that a network's answer is."""
    rows = numbers[0].transpose(1, 2, 0) if spec.crop.layout == "nchw" else numbers[0]
    with np.errstate(invalid="ignore"):
        levels = np.clip(np.nan_to_num(rows * spec.output.scale + spec.output.offset), 0, 255)
    pixels = np.rint(levels).astype(np.uint8)
    return as_u8(np.ascontiguousarray(pixels[..., ::-1] if spec.crop.colour == "rgb" else pixels))


def on_the_grid(numbers: Numbers, spec: SwapSpec) -> Numbers:
    """Round what a swapper takes to numbers that come of bytes, as everything a camera gives."""
    pixels = to_bytes(numbers, spec)
    rows = pixels[..., ::-1] if spec.crop.colour == "rgb" else pixels
    exact = rows * np.array(spec.crop.scale) + np.array(spec.crop.offset)
    return np.ascontiguousarray(exact.transpose(0, 3, 1, 2) if spec.crop.layout == "nchw" else exact, np.float32)
