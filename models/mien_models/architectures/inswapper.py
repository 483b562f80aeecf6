"""inswapper and ReSwapper: an encoder, six blocks whose style is the identity, a decoder; 128 or 256 px.

The identity vector goes through a 512 x 512 map that insightface keeps as a constant which no node uses.
"""

from typing import Final, Literal

from mien_models.architectures._registry import Architecture, Recognised, marks
from mien_models.onnx_format.graph import GraphDescription
from mien_models.onnx_format.signature import signature
from mien_models.specs.network import UNIT_OUTPUT, UNIT_PIXELS, IdentitySpec, PictureSpec, SwapNames, SwapSpec

IDENTITY_LENGTH: Final = 512
STYLE: Final = 2048
"""Each block has two layers that make so many numbers, scale and shift, of the identity."""
FIRST_LAYER: Final = (128, 3, 7, 7)


class Inswapper:
    """Known by its first layer and its style layers."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names, shapes and constants."""
        names = signature(graph).picture_and_vector(IDENTITY_LENGTH)
        if names is None or names.masks:
            return None
        found = marks(
            start=graph.has_constant(*FIRST_LAYER),
            styles=graph.has_constant(STYLE, IDENTITY_LENGTH),
            map=bool(graph.unused(IDENTITY_LENGTH, IDENTITY_LENGTH)),
            modules=graph.says("style_blocks", "target_encoder"),
        )
        size_px = names.side if names.side > 0 else 128
        spec = SwapSpec(
            kind="swapper",
            architecture="inswapper",
            crop=crop(size_px),
            output=UNIT_OUTPUT,
            identity=IdentitySpec(
                form="vector",
                network="arcface_w600k_r50",
                map=_map(graph),
            ),
            names=SwapNames(names.target, names.output, names.source),
            boosts=size_px == 128,
        )
        return Recognised.surely(spec, marks=found)


def _map(graph: GraphDescription) -> Literal["none", "graph", "file"]:
    """Say where the map is; a graph that takes it applies it to the vector by itself."""
    if graph.unused(IDENTITY_LENGTH, IDENTITY_LENGTH):
        return "graph"
    return "none" if graph.has_constant(IDENTITY_LENGTH, IDENTITY_LENGTH) else "file"


def crop(size_px: int) -> PictureSpec:
    """Say how its picture is cut out (insightface's and ReSwapper's `face_align.py`)."""
    return PictureSpec("arcface_128", size_px, *UNIT_PIXELS, shift_px=shift_px(size_px), border="black")


def shift_px(size_px: int) -> float:
    """Give what ReSwapper adds to the template above 128 px: 128 / 32768 * size - 0.5 (its `face_align.py`)."""
    return 128 / 32768 * size_px - 0.5


PLUGIN: Final[Architecture] = Inswapper()
