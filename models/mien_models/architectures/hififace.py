"""HifiFace 256, as converted for an identity vector: its 3-D shape numbers are inside the graph or left out."""

from typing import Final

from mien_models.architectures._registry import Architecture, Recognised, marks
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

FIRST_LAYER: Final = (64, 3, 3, 3)


class HifiFace:
    """Known by its first layer of 3 x 3 and its module of semantic fusion; it has no transposed convolution."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names, shapes, constants and operators."""
        names = signature(graph).picture_and_vector()
        if names is None or names.masks:
            return None
        is_plain = graph.operators.get("ConvTranspose", 0) == 0
        found = marks(
            start=is_plain and graph.has_constant(*FIRST_LAYER),
            modules=graph.says("sff", "z_fuse", "std_style_fc"),
        )
        spec = SwapSpec(
            kind="swapper",
            architecture="hififace",
            crop=PictureSpec("mtcnn_512", names.side if names.side > 0 else 256, *SIGNED_PIXELS),
            output=SIGNED_OUTPUT,
            identity=IdentitySpec(form="vector", network="arcface_w600k_r50", converter="crossface_hififace"),
            names=SwapNames(names.target, names.output, names.source),
        )
        return Recognised.surely(spec, marks=found)


PLUGIN: Final[Architecture] = HifiFace()
