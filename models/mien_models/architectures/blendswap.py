"""BlendSwap 256: takes a picture of the source face, and blends inside its graph."""

from typing import Final

from mien_models.architectures._registry import Architecture, Recognised, marks
from mien_models.onnx_format.graph import GraphDescription
from mien_models.onnx_format.signature import Signature, signature
from mien_models.specs.network import UNIT_OUTPUT, UNIT_PIXELS, IdentitySpec, PictureSpec, SwapNames, SwapSpec

SOURCE_PX: Final = 112
EMBEDDING: Final = (512, 25088)
"""The last layer of the identity network inside: 512 numbers of 512 maps of 7 x 7."""


class BlendSwap:
    """Known by its second picture, of 112 px, and the identity network inside it."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names and shapes."""
        arrays = signature(graph)
        found = _target_and_source(arrays)
        if found is None or arrays.vectors or len(arrays.given_pictures) != 1 or arrays.given_masks:
            return None
        target, source = found
        side = arrays.pictures[target]
        spec = SwapSpec(
            kind="swapper",
            architecture="blendswap",
            crop=PictureSpec("ffhq_512", side if side > 0 else 256, *UNIT_PIXELS),
            output=UNIT_OUTPUT,
            identity=IdentitySpec(form="picture", picture=PictureSpec("arcface_112_v2", SOURCE_PX, *UNIT_PIXELS)),
            names=SwapNames(target, next(iter(arrays.given_pictures)), source),
        )
        found_marks = marks(
            portrait_of_112=arrays.pictures[source] == SOURCE_PX,
            names=names_of(arrays) == {"source", "target"},
            identity_inside=graph.has_constant(*EMBEDDING),
            modules=graph.says("E_ema", "G_ema", "Z_e", "mask_head"),
        )
        return Recognised.surely(spec, marks=found_marks)


def names_of(arrays: Signature) -> set[str]:
    """Give the names of the pictures that a network takes, without what some exporters put behind them."""
    return {name.partition(":")[0] for name in arrays.pictures}


def _target_and_source(arrays: Signature) -> tuple[str, str] | None:
    """Tell them by their sides, or by their names where both are free."""
    if len(arrays.pictures) != 2:
        return None
    first, second = arrays.pictures
    sides = arrays.pictures[first], arrays.pictures[second]
    if sides.count(SOURCE_PX) == 1:
        return (second, first) if sides[0] == SOURCE_PX else (first, second)
    if sides == (-1, -1):
        return (second, first) if "target" in second else (first, second)
    return None


PLUGIN: Final[Architecture] = BlendSwap()
