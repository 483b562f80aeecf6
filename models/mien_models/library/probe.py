"""Runs a network once on zeros and prints the shapes that it gives, as JSON.

A program of its own (`python -m mien_models.library.probe < FILE`), for the reasons that `trial` has.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.library.self_test import ANSWER
from mien_models.library.self_test_process import limit_memory
from mien_models.runtimes.onnx import OnnxSession

SIDES_PX: Final = (256, 224, 128, 512, 112)
LENGTH: Final = 512
COLOURS: Final = 3
_THREADS: Final = 2


def probed(content: bytes) -> dict[str, object]:
    """Run it on the first shapes that it takes: {'inputs': shapes by name, 'outputs': as much}, or a refusal."""
    limit_memory(len(content))
    try:
        session = OnnxSession(content, "the network", threads=_THREADS)
    except ModelError as error:
        return {"refusal": str(error)}
    reason = "it takes none of the shapes that were tried"
    for feeds in _tries(session.input_shapes):
        try:
            answers = session.run(feeds)
        except ModelError as error:
            reason = str(error)
            continue
        return {
            "inputs": {name: list(array.shape) for name, array in feeds.items()},
            "outputs": {name: list(array.shape) for name, array in answers.items()},
        }
    return {"refusal": reason}


def _tries(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[dict[str, NDArray[Any]]]:
    """Fill what is free: the batch with one, channels with three colours, sides with usual ones, all alike."""
    seen: set[tuple[tuple[int, ...], ...]] = set()
    for side, planar in product(SIDES_PX, (True, False)):
        filled = {name: _filled(shape, side, planar=planar) for name, shape in shapes.items()}
        if tuple(filled.values()) not in seen:
            seen.add(tuple(filled.values()))
            yield {name: np.zeros(shape, np.float32) for name, shape in filled.items()}


def _filled(shape: tuple[int, ...], side: int, *, planar: bool) -> tuple[int, ...]:
    usual = {4: (1, COLOURS, side, side) if planar else (1, side, side, COLOURS), 2: (1, LENGTH)}
    fallback = usual.get(len(shape), (1,) * len(shape))
    return tuple(given if given > 0 else free for given, free in zip(shape, fallback, strict=True))


if __name__ == "__main__":
    sys.stdout.write(ANSWER + json.dumps(probed(sys.stdin.buffer.read())))
