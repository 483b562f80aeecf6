"""UniFace 256: takes a picture of the source face as large as the crop."""

from typing import Final

from mien_models.architectures._registry import Architecture, Recognised, marks
from mien_models.onnx_format.graph import GraphDescription
from mien_models.onnx_format.signature import signature
from mien_models.specs.network import (
    SIGNED_OUTPUT,
    SIGNED_PIXELS,
    UNIT_PIXELS,
    IdentitySpec,
    PictureSpec,
    SwapNames,
    SwapSpec,
)

QUESTION: Final = (
    "Which of its two pictures is the face in the frame, which it changes? The other one is the source face."
)


class UniFace:
    """Known by its two pictures of one size; their names say which is the frame's, else it is asked."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names and shapes."""
        arrays = signature(graph)
        if len(arrays.pictures) != 2 or arrays.vectors or len(arrays.given_pictures) != 1:
            return None
        side, other = arrays.pictures.values()
        if side != other or arrays.given_masks:
            return None
        found = marks(
            names={"source", "target"} == {one.partition(":")[0] for one in arrays.pictures},
            modules=graph.says("g_ema", "e_ema"),
        )
        size_px = side if side > 0 else 256
        output = next(iter(arrays.given_pictures))
        ways = arrays.target_and_source()
        specs = {target: _spec(SwapNames(target, output, source), size_px) for target, source in ways}
        return Recognised.asking(specs, QUESTION, found)


def _spec(names: SwapNames, size_px: int) -> SwapSpec:
    return SwapSpec(
        kind="swapper",
        architecture="uniface",
        crop=PictureSpec("ffhq_512", size_px, *SIGNED_PIXELS),
        output=SIGNED_OUTPUT,
        # Trained with -1..1 for both; the files that people have are given 0..1 for the source.
        identity=IdentitySpec(form="picture", picture=PictureSpec("ffhq_512", size_px, *UNIT_PIXELS)),
        names=names,
    )


PLUGIN: Final[Architecture] = UniFace()
