"""SimSwap of 224, 256 and 512 px: nine blocks whose style is the identity."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from mien_models.architectures._registry import Architecture, Recognised, marks
from mien_models.onnx_format.graph import GraphDescription
from mien_models.onnx_format.signature import PictureAndVector, signature
from mien_models.specs.network import (
    IMAGENET_OUTPUT,
    IMAGENET_PIXELS,
    UNIT_OUTPUT,
    UNIT_PIXELS,
    CutSpec,
    IdentitySpec,
    PictureSpec,
    SwapNames,
    SwapSpec,
)

STYLE: Final = (1024, 512)
"""Each block has two layers that make scale and shift of the identity."""
FIRST_LAYERS: Final = ((64, 3, 7, 7), (32, 3, 7, 7))
BLOCKS: Final = 18
"""Layers of 512 channels in the nine blocks."""
WHOSE_VECTOR: Final = (
    "Is it given the vector of SimSwap's own identity network (own), or w600k's through the converter "
    "'crossface_simswap' (crossface)?"
)
FACEFUSIONS: Final = "arcface_112_v1"
"""What facefusion aligns the file of 256 px with, the only public code that swaps with it."""
ASKED_PX: Final = 256
"""Of this size both ways of feeding it are about: facefusion gives it ImageNet's numbers, the official code 0..1."""


class SimSwap:
    """Known by its first layer and its style layers; with what numbers and identity it was trained cannot be seen."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names, shapes and constants."""
        names = signature(graph).picture_and_vector()
        if names is None or names.masks:
            return None
        is_plain = graph.operators.get("ConvTranspose", 0) == 0
        starts_so = is_plain and any(graph.has_constant(*shape) for shape in FIRST_LAYERS)
        found = marks(
            start=starts_so,
            # Others have layers of this shape too.
            styles=starts_so and graph.has_constant(*STYLE),
            modules=graph.says("BottleNeck"),
        )
        side = names.side if names.side > 0 else _usual_side(graph)
        own = own_identity(side)
        converted = IdentitySpec(form="vector", network="arcface_w600k_r50", converter="crossface_simswap")
        if graph.makers.get(names.output) == "Conv":
            return _of_imagenet(names, {"own": own, "crossface": converted}, side, found)
        if side == ASKED_PX:
            return Recognised(
                {
                    "imagenet": _spec(names, converted, PictureSpec(FACEFUSIONS, side, *IMAGENET_PIXELS)),
                    "unit": _spec(names, converted, PictureSpec(FACEFUSIONS, side, *UNIT_PIXELS)),
                    "own": _spec(names, own, crop(side)),
                },
                "Does it take ImageNet's numbers (imagenet) or 0..1 (unit), with the converter 'crossface_simswap'; or "
                "0..1 with SimSwap's own identity network (own)?",
                found,
            )
        specs = {"own": _spec(names, own, crop(side)), "crossface": _spec(names, converted, crop(side))}
        return Recognised(specs, WHOSE_VECTOR, found)


def template_of(size_px: int) -> str:
    """Name the template that SimSwap crops a size with: FFHQ's for 512 px (its `test_video_swapsingle.py`)."""
    return "ffhq_512" if size_px == 512 else "arcface_5pose"


def own_identity(size_px: int, length: int = 512) -> IdentitySpec:
    """Say how SimSwap's own identity network is used: it sees every n-th pixel of the generator's crop."""
    seen = CutSpec(template_of(size_px), size_px, "nearest", "black")
    return IdentitySpec(form="vector", network="arcface_simswap", length=length, seen=seen)


def crop(size_px: int) -> PictureSpec:
    """Say how the generator's picture is cut out and fed by SimSwap's own code."""
    return PictureSpec(template_of(size_px), size_px, *UNIT_PIXELS, border="black")


def _usual_side(graph: GraphDescription) -> int:
    """Tell 224 from 512 px where the side is free: those of 512 start narrower, or go a step deeper."""
    is_large = graph.has_constant(*FIRST_LAYERS[1]) or graph.count(512, 512, 3, 3) > BLOCKS
    return 512 if is_large else 224


def _of_imagenet(
    names: PictureAndVector, identities: Mapping[str, IdentitySpec], side: int, found: tuple[str, ...]
) -> Recognised:
    """Describe SimSwap's network without tanh (`fs_networks_fix.py`) as it is trained: ImageNet's numbers both ways."""
    picture = replace(crop(side), scale=IMAGENET_PIXELS[0], offset=IMAGENET_PIXELS[1])
    specs = {
        answer: replace(_spec(names, identity, picture), output=IMAGENET_OUTPUT)
        for answer, identity in identities.items()
    }
    return Recognised(specs, WHOSE_VECTOR, found)


def _spec(names: PictureAndVector, identity: IdentitySpec, picture: PictureSpec) -> SwapSpec:
    return SwapSpec(
        kind="swapper",
        architecture="simswap",
        crop=picture,
        output=UNIT_OUTPUT,
        identity=identity,
        names=SwapNames(names.target, names.output, names.source),
    )


PLUGIN: Final[Architecture] = SimSwap()
