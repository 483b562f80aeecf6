"""HyperSwap 256: a generator like GHOST's that also gives the mask of what it changed."""

from typing import Final

from mien_models.family import Family, Recognised
from mien_models.onnx_file import GraphDescription
from mien_models.signature import signature
from mien_models.spec import SIGNED_OUTPUT, SIGNED_PIXELS, IdentitySpec, PictureSpec, SwapNames, SwapSpec, Terms

TERMS: Final = Terms(
    "ResearchRAIL-MS", "These weights may be used for research, within the limits of use that their licence lists."
)


class HyperSwap:
    """Known by its second output, a mask of one channel."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names and shapes."""
        arrays = signature(graph)
        names = arrays.picture_and_vector()
        if names is None or len(arrays.given_masks) != 1:
            return None
        target, side, source, output = names
        spec = SwapSpec(
            kind="swapper",
            architecture="hyperswap",
            crop=PictureSpec("arcface_128", side if side > 0 else 256, *SIGNED_PIXELS),
            output=SIGNED_OUTPUT,
            identity=IdentitySpec(form="vector", network="arcface_w600k_r50"),
            names=SwapNames(target, output, source, masks=tuple(arrays.given_masks)),
        )
        return Recognised.surely(spec, TERMS)


PLUGIN: Final[Family] = HyperSwap()
