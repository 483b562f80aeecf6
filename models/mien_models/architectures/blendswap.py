"""BlendSwap 256: takes a picture of the source face, and blends inside its graph."""

from typing import Final

from mien_models.architectures._registry import Architecture, Recognised, marks
from mien_models.architectures.uniface import QUESTION
from mien_models.onnx_format.graph import GraphDescription
from mien_models.onnx_format.signature import FREE, Signature, signature
from mien_models.specs.network import UNIT_OUTPUT, UNIT_PIXELS, IdentitySpec, PictureSpec, SwapNames, SwapSpec

SOURCE_PX: Final = 112
EMBEDDING: Final = (512, 25088)
"""The last layer of the identity network inside: 512 numbers of 512 maps of 7 x 7."""


class BlendSwap:
    """Known by its second picture, of 112 px, and the identity network inside it."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names and shapes."""
        arrays = signature(graph)
        ways = _ways(arrays)
        if not ways or arrays.vectors or len(arrays.given_pictures) != 1 or arrays.given_masks:
            return None
        found_marks = marks(
            portrait_of_112=SOURCE_PX in arrays.pictures.values(),
            names=names_of(arrays) == {"source", "target"},
            identity_inside=graph.has_constant(*EMBEDDING),
            modules=graph.says("E_ema", "G_ema", "Z_e", "mask_head"),
        )
        output = next(iter(arrays.given_pictures))
        specs = {target: _spec(SwapNames(target, output, source), arrays.pictures[target]) for target, source in ways}
        return Recognised.asking(specs, QUESTION, found_marks)


def _spec(names: SwapNames, side: int) -> SwapSpec:
    return SwapSpec(
        kind="swapper",
        architecture="blendswap",
        crop=PictureSpec("ffhq_512", side if side > 0 else 256, *UNIT_PIXELS),
        output=UNIT_OUTPUT,
        identity=IdentitySpec(form="picture", picture=PictureSpec("arcface_112_v2", SOURCE_PX, *UNIT_PIXELS)),
        names=names,
    )


def names_of(arrays: Signature) -> set[str]:
    """Give the names of the pictures that a network takes, without what some exporters put behind them."""
    return {name.partition(":")[0] for name in arrays.pictures}


def _ways(arrays: Signature) -> tuple[tuple[str, str], ...]:
    """Tell target and source by their sides, or by their names where the source's is free."""
    sides = tuple(arrays.pictures.values())
    if len(sides) != 2 or sides.count(SOURCE_PX) == 2 or not {SOURCE_PX, FREE} & set(sides):
        return ()
    first, second = arrays.pictures
    if SOURCE_PX in sides:
        return ((second, first) if sides[0] == SOURCE_PX else (first, second),)
    return tuple((target, source) for target, source in arrays.target_and_source() if arrays.pictures[source] == FREE)


PLUGIN: Final[Architecture] = BlendSwap()
