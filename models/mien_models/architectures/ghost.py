"""GHOST, AEI-Net with a U-Net of attributes: 256 px, one to three blocks."""

from typing import Final

from mien_models.architectures._registry import Architecture, Recognised, marks
from mien_models.onnx_format.graph import GraphDescription
from mien_models.onnx_format.signature import PictureAndVector, signature
from mien_models.specs.network import (
    SIGNED_OUTPUT,
    SIGNED_PIXELS,
    CutSpec,
    IdentitySpec,
    PictureSpec,
    SwapNames,
    SwapSpec,
)

START: Final = (512, 1024, 2, 2)
"""The transposed convolution that makes a map of the identity; the attributes' encoder differs between backbones."""
GATE: Final = (1, 1024, 1, 1)
"""What weighs identity against attributes in the first blocks."""
CUT_PX: Final = 224
"""GHOST crops faces at this side and resizes them: to 256 for the generator, to 112 for its identity network."""


class Ghost:
    """Known by how its generator starts and gates; which identity network a file was trained with cannot be seen."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names, shapes and operators."""
        names = signature(graph).picture_and_vector()
        if names is None or names.masks:
            return None
        found = marks(
            start=graph.has_constant(*START),
            gates=graph.has_constant(*GATE),
            modules=graph.says("AADBlk", "add_blocks"),
        )
        own = own_identity()
        converted = IdentitySpec(form="vector", network="arcface_w600k_r50", converter="crossface_ghost", is_unit=False)
        return Recognised(
            {"r100": _spec(names, own), "crossface": _spec(names, converted)},
            "Is it given GHOST's own identity vector (r100), or w600k's through the converter 'crossface_ghost' "
            "(crossface)?",
            found,
        )


def own_identity(length: int = 512) -> IdentitySpec:
    """Say how GHOST's own identity network is used: it sees the generator's crop, halved with corners on corners."""
    seen = CutSpec("arcface_5pose", CUT_PX, "corners", "black")
    return IdentitySpec(form="vector", network="arcface_r100_glint360k", is_unit=False, length=length, seen=seen)


def crop(size_px: int) -> PictureSpec:
    """Say how the generator's picture is cut out (GHOST's `utils/inference/core.py`)."""
    return PictureSpec("arcface_5pose", size_px, *SIGNED_PIXELS, cut_px=CUT_PX, border="black")


def _spec(names: PictureAndVector, identity: IdentitySpec) -> SwapSpec:
    return SwapSpec(
        kind="swapper",
        architecture="ghost",
        crop=crop(names.side if names.side > 0 else 256),
        output=SIGNED_OUTPUT,
        identity=identity,
        names=SwapNames(names.target, names.output, names.source),
    )


PLUGIN: Final[Architecture] = Ghost()
