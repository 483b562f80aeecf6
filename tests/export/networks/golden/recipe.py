"""Weights and inputs that anybody can make again from numpy alone: what the golden numbers were computed with.

Each tensor has a random generator of its own, by its key, so that their order does not count.
"""

import re
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float32]
COUNTER = "num_batches_tracked"
STYLES = re.compile(r"\.style[12](\.linear)?\.weight$|AADBlk.*\.fc[12]\.weight$|\.linear[12]\.weight$|\.up1\.weight$")
"""Layers that an identity vector is multiplied by: what they give deviates by a half."""
SCALES = re.compile(r"AADBlk.*\.(fc1|conv1)\.bias$|generator\.layers.*\.(linear2|conv1)\.bias$")
"""Biases that features are multiplied by."""
MASKS = re.compile(r"^masker\.")
"""Layers of a narrow network of its own, whose answer would be all but flat."""


def weights(shapes: Mapping[str, tuple[int, ...]], seed: int, vector_length: float = 1.0) -> dict[str, Numbers]:
    """Make weights with which activations keep about their size from layer to layer."""
    return {key: _weight(key, shape, seed, vector_length) for key, shape in shapes.items() if COUNTER not in key}


def _weight(key: str, shape: tuple[int, ...], seed: int, vector_length: float) -> Numbers:
    noise = _generator(key, seed).standard_normal(shape, dtype=np.float32)
    if len(shape) > 1:
        fan_in = float(np.prod(shape[1:]))
        gain = 2.0 if MASKS.search(key) else 1.0
        return noise * np.float32(0.5 / vector_length if STYLES.search(key) else gain * fan_in**-0.5)
    if key.endswith("running_var"):
        return 1 + np.float32(0.3) * np.abs(noise)
    if key.endswith(("running_mean", "bias")) and not SCALES.search(key):
        return np.float32(0.1) * noise
    return 1 + np.float32(0.1) * noise


def picture(name: str, side: int, channels: int = 3, low: float = 0.0) -> Numbers:
    """Make a picture (1, channels, side, side), low..1: patches of an eighth of the side, and a little noise."""
    generator = _generator(name, 0)
    patches = generator.random((1, channels, 8, 8), dtype=np.float32)
    coarse = np.kron(patches, np.ones((1, 1, side // 8, side // 8), np.float32))
    fine = generator.random((1, channels, side, side), dtype=np.float32)
    mixed = np.float32(0.9) * coarse + np.float32(0.1) * fine
    return np.asarray(mixed * np.float32(1 - low) + np.float32(low), np.float32)


def vector(name: str, length: float = 1.0, size: int = 512) -> Numbers:
    """Make a vector (1, size) of a length."""
    numbers = _generator(name, 0).standard_normal((1, size), dtype=np.float32)
    return numbers / np.float32(np.linalg.norm(numbers)) * np.float32(length)


def thinned(numbers: Numbers, step: int) -> Numbers:
    """Keep every so many pixels of a picture (n, c, h, w); a vector stays as it is."""
    return np.ascontiguousarray(numbers[..., ::step, ::step] if numbers.ndim == 4 else numbers)


def _generator(name: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
