"""ArcFace and networks like it: a face of 112 px becomes a vector that says who it is."""

from typing import Final

from mien_models.architectures._registry import Architecture, Recognised, marks
from mien_models.onnx_format.graph import GraphDescription
from mien_models.onnx_format.signature import FREE, signature
from mien_models.specs.network import IMAGENET_PIXELS, SIGNED_PIXELS, EmbedSpec, PictureSpec, Pixels

SIDE_PX: Final = 112
USUAL_LENGTH: Final = 512
LENGTHS: Final = (128, 256, 512, 1024)
"""Of identity vectors; networks that find landmarks in a face of 112 px give twice as many numbers as points."""


class ArcFace:
    """Known by its picture of 112 px and its vector; SimSwap's own has gates (squeeze and excitation) inside."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at shapes and operators."""
        arrays = signature(graph)
        is_like_it = arrays.is_whole and list(arrays.pictures.values()) in ([SIDE_PX], [-1]) and not arrays.vectors
        if not is_like_it or len(arrays.given_vectors) != 1 or arrays.given_pictures or arrays.given_masks:
            return None
        output, length = next(iter(arrays.given_vectors.items()))
        length = length if length != FREE else USUAL_LENGTH
        if length not in LENGTHS:
            return None
        found = marks(
            picture_of_112=list(arrays.pictures.values()) == [SIDE_PX],
            parametric_rectifiers=graph.operators.get("PRelu", 0) > 0,
        )
        pixels = IMAGENET_PIXELS if graph.operators.get("Sigmoid", 0) else SIGNED_PIXELS
        spec = EmbedSpec(
            kind="identity",
            architecture="arcface",
            picture=picture(pixels),
            input=next(iter(arrays.pictures)),
            output=output,
            length=length,
        )
        return Recognised.surely(spec, marks=found)


def picture(pixels: Pixels) -> PictureSpec:
    """Say how its picture is cut out (insightface's `face_align.py`)."""
    return PictureSpec("arcface_112_v2", SIDE_PX, *pixels, border="black")


PLUGIN: Final[Architecture] = ArcFace()
