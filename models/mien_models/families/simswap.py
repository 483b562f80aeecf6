"""SimSwap of 224, 256 and 512 px: nine blocks whose style is the identity."""

from typing import Final

from mien_models.family import Family, Recognised
from mien_models.onnx_file import GraphDescription
from mien_models.signature import signature
from mien_models.spec import (
    IMAGENET_PIXELS,
    UNIT_OUTPUT,
    UNIT_PIXELS,
    IdentitySpec,
    PictureSpec,
    Pixels,
    SwapNames,
    SwapSpec,
    Terms,
)

TERMS: Final = Terms(
    "CC-BY-NC-4.0", "These weights may be used and passed on for non-commercial purposes, with credit."
)
STYLE: Final = (1024, 512)
"""Each block has two layers that make scale and shift of the identity."""
FIRST_LAYERS: Final = ((64, 3, 7, 7), (32, 3, 7, 7))
ASKED_PX: Final = 256
"""Of this size both ways of feeding it are about: facefusion gives it ImageNet's numbers, the official code 0..1."""


class SimSwap:
    """Known by its first layer and its style layers; with what numbers and identity it was trained cannot be seen."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names, shapes and constants."""
        names = signature(graph).picture_and_vector()
        first = any(graph.has_constant(*shape) for shape in FIRST_LAYERS)
        if names is None or not first or not graph.has_constant(*STYLE):
            return None
        own = IdentitySpec(form="vector", network="arcface_simswap")
        converted = IdentitySpec(form="vector", network="arcface_w600k_r50", converter="crossface_simswap")
        if names[1] == ASKED_PX:
            return Recognised(
                {
                    "imagenet": _spec(names, converted, IMAGENET_PIXELS),
                    "unit": _spec(names, converted, UNIT_PIXELS),
                    "own": _spec(names, own, UNIT_PIXELS),
                },
                TERMS,
                "Does it take ImageNet's numbers (imagenet) or 0..1 (unit), with the converter 'crossface_simswap'; or "
                "0..1 with SimSwap's own identity network (own)?",
            )
        return Recognised(
            {"own": _spec(names, own, UNIT_PIXELS), "crossface": _spec(names, converted, UNIT_PIXELS)},
            TERMS,
            "Is it given the vector of SimSwap's own identity network (own), or w600k's through the converter "
            "'crossface_simswap' (crossface)?",
        )


def _spec(names: tuple[str, int, str, str], identity: IdentitySpec, pixels: Pixels) -> SwapSpec:
    target, side, source, output = names
    return SwapSpec(
        kind="swapper",
        architecture="simswap",
        crop=PictureSpec("arcface_112_v1", side if side > 0 else 224, *pixels),
        output=UNIT_OUTPUT,
        identity=identity,
        names=SwapNames(target, output, source),
    )


PLUGIN: Final[Family] = SimSwap()
