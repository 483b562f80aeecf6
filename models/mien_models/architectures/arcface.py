"""ArcFace and networks like it: a face of 112 px becomes a vector that says who it is."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from mien_models.architectures._registry import Architecture, Recognised, marks
from mien_models.onnx_format.graph import GraphDescription
from mien_models.onnx_format.signature import FREE, signature
from mien_models.specs.network import IMAGENET_PIXELS, SIGNED_PIXELS, UNIT_PIXELS, EmbedSpec, PictureSpec, Pixels

SIDE_PX: Final = 112
USUAL_LENGTH: Final = 512
LENGTHS: Final = (128, 256, 512, 1024)
"""Of identity vectors; networks that find landmarks in a face of 112 px give twice as many numbers as points."""
_RAW_PIXELS: Final[Pixels] = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
_OTHER_EPSILON: Final = 2e-5
"""Of MagFace's norms and of MXNet's; those that InsightFace trains with torch have 1e-5."""
_FEW: Final = 4
"""More products than that are norms that an exporter took apart."""
QUESTION: Final = (
    "Which code was it trained with: InsightFace's or like it (insightface: it sees RGB, -1..1), MagFace's (magface: "
    "BGR, 0..1) or AdaFace's (adaface: BGR, -1..1)? The page that it came from says so; with the wrong one it takes "
    "people for each other."
)


class ArcFace:
    """Known by its picture of 112 px and its vector; how it sees the picture, by layers and norms where these tell."""

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
        plain = EmbedSpec(
            kind="identity",
            architecture="arcface",
            picture=picture(SIGNED_PIXELS),
            input=next(iter(arrays.pictures)),
            output=output,
            length=length,
        )
        seen = {answer: replace(plain, picture=one) for answer, one in _pictures(graph).items()}
        return Recognised(seen, QUESTION if len(seen) > 1 else "", found)


def _pictures(graph: GraphDescription) -> Mapping[str, PictureSpec]:
    """Give every picture that a network of these operators may have been trained with."""
    has = graph.operators.keys()
    if "Sigmoid" in has and "Relu" not in has:
        # SimSwap's gates (squeeze and excitation) have slopes in them, others' rectifiers.
        return {"": picture(IMAGENET_PIXELS)}
    if "BatchNormalization" in has:
        has_others_norms = _OTHER_EPSILON in graph.epsilons
    else:
        # Each of MagFace's blocks begins with a norm, which no convolution can take in.
        has_others_norms = graph.operators.get("Mul", 0) > _FEW
    if has_others_norms and "Sub" in has:
        # MXNet's networks bring bytes to their numbers inside.
        return {"": picture(_RAW_PIXELS)}
    # AdaFace's shortcuts take every second pixel by a pool, InsightFace's have layers there.
    if has_others_norms or "MaxPool" in has or "Sigmoid" in has:
        return {
            "insightface": picture(SIGNED_PIXELS),
            "magface": replace(picture(UNIT_PIXELS), colour="bgr"),
            "adaface": replace(picture(SIGNED_PIXELS), colour="bgr"),
        }
    return {"": picture(SIGNED_PIXELS)}


def picture(pixels: Pixels) -> PictureSpec:
    """Say how its picture is cut out (insightface's `face_align.py`)."""
    return PictureSpec("arcface_112_v2", SIDE_PX, *pixels, border="black")


PLUGIN: Final[Architecture] = ArcFace()
