"""A network that the user brings along as one ONNX file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien_models.errors import ModelError
from mien_models.onnx_format.check import read_network_file
from mien_models.runtimes.onnx import OnnxSession
from mien_models.runtimes.ort.available import available
from mien_models.runtimes.ort.providers import CPU_RUN, planned_runs
from mien_models.runtimes.ort.select import Trial, serve


def open_user_network(path: Path, *, threads: int = 1) -> OnnxSession:
    """Read and load a user's ONNX file.

    Raises:
        ModelError: there is no such file, it is too large, or it is no network that runs; one sentence says what to do.
    """
    return OnnxSession(read_network_file(path), str(path), threads=threads)


def moved_to(
    provider: str, session: OnnxSession, path: Path, known: Mapping[str, NDArray[Any]], *, threads: int = 1
) -> OnnxSession:
    """Give a session of the same file where it runs fastest; the one that is given where that is the processor.

    Args:
        provider: a key of `mien_models.runtimes.ort.providers.PROVIDERS`, or 'auto'.
        session: on the processor.
        path: of the file.
        known: an array for every input, to try it on.
        threads: of the processor.

    Raises:
        ModelError: the file is gone, or answers what is no number wherever it runs.
    """
    # TensorRT would build for minutes before the first picture, and a file of the user's has no place for engines.
    runs = [run for run in planned_runs(provider, available().ready) if run.name != "tensorrt"]
    if runs[:1] in ([], [CPU_RUN]):
        return session
    return serve(Trial(read_network_file(path), str(path), known, _fault, threads), runs).session


def _fault(answers: Mapping[str, NDArray[Any]]) -> str | None:
    is_finite = all(np.isfinite(one).all() for one in answers.values())
    return None if is_finite else "its answer has values that are no numbers"


def square_picture(session: OnnxSession, path: Path, *, layout: str) -> tuple[str, int]:
    """Give name and side of the network's picture input, which is the only one of four dimensions.

    Args:
        session: the network.
        path: its file, for messages.
        layout: 'nchw' or 'nhwc', three colours in their place; a side that is free is given as -1.

    Raises:
        ModelError: it has no such input.
    """
    at = (1, 2, 3) if layout == "nchw" else (3, 1, 2)
    for name, shape in session.input_shapes.items():
        if len(shape) == 4 and shape[at[0]] in {3, -1} and shape[at[1]] == shape[at[2]]:
            return name, shape[at[1]]
    raise ModelError(
        f"{str(path)!r} should take one square colour picture ({layout}), but takes {dict(session.input_shapes)}. "
        "Give a network of the family that you named."
    )
