"""HyperSwap 256: a generator like GHOST's that also gives the mask of what it changed."""

from typing import Final

from mien_models.architectures._registry import Architecture, Recognised, marks
from mien_models.architectures.ghost import GATE
from mien_models.onnx_format.graph import GraphDescription
from mien_models.onnx_format.signature import signature
from mien_models.specs.network import (
    SIGNED_OUTPUT,
    SIGNED_PIXELS,
    IdentitySpec,
    PictureSpec,
    SwapNames,
    SwapSpec,
)

START: Final = (4096, 512, 3, 3)


class HyperSwap:
    """Known by its second output, a mask, and by how the identity starts: a convolution and a pixel shuffle."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names and shapes."""
        names = signature(graph).picture_and_vector()
        if names is None or len(names.masks) > 1:
            return None
        found = marks(
            mask=bool(names.masks),
            start=graph.has_constant(*START),
            gates=graph.has_constant(*GATE),
            modules=graph.says("pixel_shuffle_up_sample", "masker"),
        )
        side = names.side if names.side > 0 else 256
        spec = SwapSpec(
            kind="swapper",
            architecture="hyperswap",
            crop=PictureSpec("arcface_128", side, *SIGNED_PIXELS),
            output=SIGNED_OUTPUT,
            identity=IdentitySpec(form="vector", network="arcface_w600k_r50"),
            names=SwapNames(names.target, names.output, names.source, masks=names.masks),
            blends=bool(names.masks),
        )
        return Recognised.surely(spec, marks=found)


PLUGIN: Final[Architecture] = HyperSwap()
