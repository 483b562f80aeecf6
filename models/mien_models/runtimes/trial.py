"""A known input for every kind of network, and what its answer must be like."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien_models.runtimes.ort.select import Trial
from mien_models.runtimes.ort.self_test import picture_fault
from mien_models.specs.network import ConvertSpec, EmbedSpec, NetworkSpec, PictureSpec, SwapSpec
from mien_models.types import as_f32, unit


def trial_of(spec: NetworkSpec, content: bytes, name: str, threads: int) -> Trial:
    """Make the self-test of a network: an input that is known, and what its answer must be like."""
    return Trial(content, name, known_input(spec), lambda answers: _fault(spec, answers), threads)


def known_input(spec: NetworkSpec) -> dict[str, NDArray[Any]]:
    """Make an input of the right shape that looks a little like skin, the same every time."""
    random = np.random.default_rng(0)
    if isinstance(spec, ConvertSpec):
        return {spec.input: _unit(random, spec.length)}
    if isinstance(spec, EmbedSpec):
        return {spec.input: _known_picture(spec.picture)}
    known: dict[str, NDArray[Any]] = {spec.names.target: _known_picture(spec.crop)}
    if spec.names.source is not None:
        picture = spec.identity.picture
        known[spec.names.source] = _unit(random, spec.identity.length) if picture is None else _known_picture(picture)
    if spec.names.morph is not None:
        known[spec.names.morph] = np.array([spec.morph], np.float32)
    return known


def _fault(spec: NetworkSpec, answers: Mapping[str, NDArray[Any]]) -> str | None:
    if isinstance(spec, SwapSpec):
        black, white = ((level - spec.output.offset) / spec.output.scale for level in (0, 255))
        return picture_fault(answers[spec.names.output], lowest=black, highest=white)
    vector = answers[spec.output]
    if not np.isfinite(vector).all():
        return "its vector has values that are no numbers"
    if vector.size != spec.length:
        return f"its vector has {vector.size} numbers instead of {spec.length}"
    return None if float(np.std(vector)) > 0 else "all numbers of its vector are the same"


def _known_picture(spec: PictureSpec) -> NDArray[np.float32]:
    """Draw soft waves of skin's colours, in the network's numbers: (1, 3, n, n) or (1, n, n, 3)."""
    wave = np.sin(np.arange(spec.size_px) / spec.size_px * 9)
    shade = (wave[:, None] * wave)[..., None]
    pixels = np.array([190.0, 140.0, 115.0])[:: 1 if spec.colour == "rgb" else -1] + 50 * shade
    numbers = as_f32(pixels * np.array(spec.scale) + np.array(spec.offset))
    return (numbers.transpose(2, 0, 1) if spec.layout == "nchw" else numbers)[None]


def _unit(random: np.random.Generator, length: int) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = unit(as_f32(random.standard_normal(length)))[None]
    return vector
