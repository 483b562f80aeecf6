"""MobileFaceSwap and small networks like it: the identity is inside the weights, and they blend with their own mask."""

from typing import Final

from mien_models.architectures._registry import Architecture, Recognised, marks
from mien_models.onnx_format.graph import GraphDescription
from mien_models.onnx_format.signature import signature
from mien_models.specs.network import UNIT_OUTPUT, UNIT_PIXELS, IdentitySpec, PictureSpec, SwapNames, SwapSpec


class MobileFaceSwap:
    """Known by taking one picture and giving one of the same size, with a mask."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names and shapes."""
        arrays = signature(graph)
        is_like_it = (
            arrays.is_whole
            and len(arrays.pictures) == len(arrays.given_pictures) == len(arrays.given_masks) == 1
            and not arrays.vectors
            and list(arrays.pictures.values()) == list(arrays.given_pictures.values())
        )
        if not is_like_it:
            return None
        target, side = next(iter(arrays.pictures.items()))
        spec = SwapSpec(
            kind="swapper",
            architecture="mobilefaceswap",
            crop=crop(side if side > 0 else 224),
            output=UNIT_OUTPUT,
            identity=IdentitySpec(form="none"),
            names=SwapNames(target, next(iter(arrays.given_pictures)), masks=tuple(arrays.given_masks)),
            blends=True,
        )
        return Recognised.surely(spec, marks=marks(mask_beside_its_picture=True))


def crop(size_px: int) -> PictureSpec:
    """Say how its picture is cut out: with a whole affine map (its `utils/align_face.py`)."""
    return PictureSpec("arcface_112_v2", size_px, *UNIT_PIXELS, fit="affine", border="black")


PLUGIN: Final[Architecture] = MobileFaceSwap()
