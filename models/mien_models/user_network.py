"""A network that the user brings along as one ONNX file."""

from pathlib import Path

from mien_models.errors import ModelError
from mien_models.network_file import read_network_file
from mien_models.sessions.onnx import OnnxSession


def open_user_network(path: Path, *, threads: int = 1) -> OnnxSession:
    """Read and load a user's ONNX file.

    Raises:
        ModelError: there is no such file, it is too large, or it is no network that runs; one sentence says what to do.
    """
    return OnnxSession(read_network_file(path), str(path), threads=threads)


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
