"""GHOST, AEI-Net with a U-Net of attributes: 256 px, one to three blocks."""

from typing import Final

from mien_models.family import Family, Recognised
from mien_models.onnx_file import GraphDescription
from mien_models.signature import signature
from mien_models.spec import SIGNED_OUTPUT, SIGNED_PIXELS, IdentitySpec, PictureSpec, SwapNames, SwapSpec, Terms

TERMS: Final = Terms(
    "Apache-2.0",
    "GHOST may be used freely, also commercially; the identity network that it needs is for non-commercial use.",
)
UPSAMPLING: Final = 7
"""Layers of transposed convolution: six of the attributes' decoder, one that begins the generator."""


class Ghost:
    """Known by its transposed convolutions; which identity network a file was trained with cannot be seen."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names, shapes and operators."""
        arrays = signature(graph)
        names = arrays.picture_and_vector()
        if names is None or arrays.given_masks or graph.operators.get("ConvTranspose", 0) < UPSAMPLING:
            return None
        own = IdentitySpec(form="vector", network="arcface_r100_glint360k", is_unit=False)
        converted = IdentitySpec(form="vector", network="arcface_w600k_r50", converter="crossface_ghost", is_unit=False)
        return Recognised(
            {"r100": _spec(names, own), "crossface": _spec(names, converted)},
            TERMS,
            "Is it given GHOST's own identity vector (r100), or w600k's through the converter 'crossface_ghost' "
            "(crossface)?",
        )


def _spec(names: tuple[str, int, str, str], identity: IdentitySpec) -> SwapSpec:
    target, side, source, output = names
    return SwapSpec(
        kind="swapper",
        architecture="ghost",
        crop=PictureSpec("arcface_112_v1", side if side > 0 else 256, *SIGNED_PIXELS),
        output=SIGNED_OUTPUT,
        identity=identity,
        names=SwapNames(target, output, source),
    )


PLUGIN: Final[Family] = Ghost()
