"""A known input for every kind of network, and what its answer must be like."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien_models.architectures._processing import Processing, own_processing
from mien_models.runtimes.ort.select import Trial
from mien_models.runtimes.ort.self_test import picture_fault
from mien_models.specs.network import ConvertSpec, EmbedSpec, NetworkSpec, PictureSpec, SwapSpec
from mien_models.types import SwapOptions, as_f32, as_u8, unit

_FLAT: Final = 0.5
"""A picture that varies by less than this, of 255, in standard deviation is broken."""


def trial_of(spec: NetworkSpec, content: bytes, name: str, threads: int) -> Trial:
    """Make the self-test of a network: an input that is known, and what its answer must be like."""
    own = own_processing(spec, SwapOptions())
    if own is None:
        return Trial(content, name, known_input(spec), lambda answers: _fault(spec, answers), threads)
    return Trial(content, name, known_input(spec), lambda answers: _own_fault(own, answers), threads)


def known_input(spec: NetworkSpec) -> dict[str, NDArray[Any]]:
    """Make an input of the right shape that looks a little like skin, the same every time."""
    random = np.random.default_rng(0)
    if isinstance(spec, ConvertSpec):
        return {spec.input: _unit(random, spec.length)}
    if isinstance(spec, EmbedSpec):
        return {spec.input: _known_picture(spec.picture)}
    source = _known_source(spec, random)
    own = own_processing(spec, SwapOptions())
    if own is not None:
        return dict(own.feeds(as_u8(np.rint(_waves(spec.crop.size_px)[..., ::-1])), source))
    known: dict[str, NDArray[Any]] = {spec.names.target: _known_picture(spec.crop)}
    if spec.names.source is not None and source is not None:
        known[spec.names.source] = source
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


def _own_fault(own: Processing, answers: Mapping[str, NDArray[Any]]) -> str | None:
    if not all(np.isfinite(one).all() for one in answers.values() if one.dtype.kind == "f"):
        return "it answers with what are no numbers"
    return "its picture has a single colour" if float(own.picture(answers).crop_bgr.std()) < _FLAT else None


def _known_source(spec: SwapSpec, random: np.random.Generator) -> NDArray[np.float32] | None:
    if spec.identity.form == "none":
        return None
    picture = spec.identity.picture
    return _unit(random, spec.identity.length) if picture is None else _known_picture(picture)


def _waves(side_px: int) -> NDArray[np.float64]:
    """Draw soft waves of skin's colours, (n, n, 3) RGB 0..255."""
    wave = np.sin(np.arange(side_px) / side_px * 9)
    shade: NDArray[np.float64] = (wave[:, None] * wave)[..., None]
    return np.array([190.0, 140.0, 115.0]) + 50 * shade


def _known_picture(spec: PictureSpec) -> NDArray[np.float32]:
    """Give the waves in the network's numbers: (1, 3, n, n) or (1, n, n, 3)."""
    pixels = _waves(spec.size_px)[..., :: 1 if spec.colour == "rgb" else -1]
    numbers = as_f32(pixels * np.array(spec.scale) + np.array(spec.offset))
    return (numbers.transpose(2, 0, 1) if spec.layout == "nchw" else numbers)[None]


def _unit(random: np.random.Generator, length: int) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = unit(as_f32(random.standard_normal(length)))[None]
    return vector
