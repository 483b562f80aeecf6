"""Composing beside insightface's `INSwapper.get(..., paste_back=True)`: same frame, same face, same crop, same run.

Its network is answered from a recorded output, so that no weights are needed and what is left is its pasting.
"""

import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import monotonic_ns
from types import SimpleNamespace
from typing import Any, Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.pipeline.frame import Frame
from mien.stages.composite import CompositeStage
from mien_models.types import AffineF64, BgrU8, Face, SwappedFace, as_u8

_CROP_PX: Final = 128
_ROUNDS: Final = 40
_EMBEDDING: Final = 512


@dataclass(frozen=True, slots=True)
class PasteComparison:
    """Medians in milliseconds of one run, taken in turns."""

    ours_ms: float
    """`CompositeStage` with the crop, its alpha and its matrix."""
    insightface_ms: float
    """All of `INSwapper.get(..., paste_back=True)` but its network."""
    times_as_fast: float
    insightface_paste_ms: float
    """Of that, what `paste_back=True` adds to `paste_back=False`: without alignment and blob."""
    paste_times_as_fast: float


def compare_paste(frame_bgr: BgrU8, face: Face) -> PasteComparison | None:
    """Measure both on one frame; None where insightface is not installed."""
    if importlib.util.find_spec("insightface") is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # insightface calls what scikit-image deprecates
        return _compared(frame_bgr, face)


def _compared(frame_bgr: BgrU8, face: Face) -> PasteComparison:
    swapper, target, source = _insightface(face)
    crop_bgr, crop_from_frame = cast(
        "tuple[BgrU8, AffineF64]", swapper.get(frame_bgr, target, source, paste_back=False)
    )
    frame = Frame(frame_bgr, 0, 0, swapped=(_swapped(face, as_u8(np.ascontiguousarray(crop_bgr)), crop_from_frame),))
    compose = CompositeStage()
    works: tuple[Callable[[], object], ...] = (
        lambda: compose(frame),
        lambda: swapper.get(frame_bgr, target, source, paste_back=True),
        lambda: swapper.get(frame_bgr, target, source, paste_back=False),
    )
    rounds_ns = [[_second_call_ns(work) for work in works] for _ in range(_ROUNDS)]
    ours_ms, whole_ms, aligned_ms = (
        median(times_ns[_ROUNDS // 4 :]) / 1e6 for times_ns in zip(*rounds_ns, strict=True)
    )
    return PasteComparison(
        ours_ms=round(ours_ms, 3),
        insightface_ms=round(whole_ms, 3),
        times_as_fast=round(whole_ms / ours_ms, 1),
        insightface_paste_ms=round(whole_ms - aligned_ms, 3),
        paste_times_as_fast=round((whole_ms - aligned_ms) / ours_ms, 1),
    )


def _second_call_ns(work: Callable[[], object]) -> int:
    """Time the second of two calls: neither side pays for what the other left in the caches."""
    work()
    started_ns = monotonic_ns()
    work()
    return monotonic_ns() - started_ns


def _insightface(face: Face) -> tuple[Any, Any, Any]:
    """Give its swapper with a recorded answer, the target face and a source face, as it knows them."""
    from insightface.model_zoo.inswapper import INSwapper

    answer = _recorded_answer()
    swapper = cast("Any", INSwapper.__new__(INSwapper))  # its __init__ reads the weights

    def run(outputs: object, inputs: object) -> list[NDArray[np.float32]]:
        _ = outputs, inputs
        return [answer]

    swapper.session = SimpleNamespace(run=run)
    swapper.input_mean, swapper.input_std = 0.0, 255.0
    swapper.emap = np.eye(_EMBEDDING, dtype=np.float32)
    swapper.input_names, swapper.output_names = ["target", "source"], ["output"]
    swapper.input_size = (_CROP_PX, _CROP_PX)
    embedding = np.full(_EMBEDDING, _EMBEDDING**-0.5, np.float32)
    return swapper, SimpleNamespace(kps=face.five_points), SimpleNamespace(normed_embedding=embedding)


def _recorded_answer() -> NDArray[np.float32]:
    """A face-like picture as the network gives it: (1, 3, 128, 128) RGB, 0..1."""
    rows, columns = np.mgrid[0:_CROP_PX, 0:_CROP_PX].astype(np.float32) / _CROP_PX
    light = 0.35 + 0.3 * np.exp(-8 * ((columns - 0.5) ** 2 + (rows - 0.5) ** 2))
    return np.stack([light * 1.2, light, light * 0.9])[None].astype(np.float32)


def _swapped(face: Face, crop_bgr: BgrU8, crop_from_frame: AffineF64) -> SwappedFace:
    """The same crop at the same place, with a soft ellipse as its alpha."""
    alpha = np.zeros((_CROP_PX, _CROP_PX), np.uint8)
    centre = _CROP_PX // 2
    cv2.ellipse(alpha, (centre, centre), (_CROP_PX * 3 // 8, _CROP_PX * 7 // 16), 0, 0, 360, 255, -1)
    soft = as_u8(cv2.GaussianBlur(alpha, (0, 0), _CROP_PX / 20))
    return SwappedFace(face.id, crop_bgr, soft, np.asarray(cv2.invertAffineTransform(crop_from_frame), np.float64))
