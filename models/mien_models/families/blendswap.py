"""BlendSwap 256: takes a picture of the source face, and blends inside its graph."""

from typing import Final

from mien_models.family import Family, Recognised, marks
from mien_models.onnx_file import GraphDescription
from mien_models.signature import signature
from mien_models.spec import UNIT_OUTPUT, UNIT_PIXELS, IdentitySpec, PictureSpec, SwapNames, SwapSpec, Terms

TERMS: Final = Terms(
    "CC-BY-NC-SA-4.0",
    "These weights may be used and passed on for non-commercial purposes, with credit, on the same terms.",
)
SOURCE_PX: Final = 112


class BlendSwap:
    """Known by its second picture, of 112 px."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names and shapes."""
        arrays = signature(graph)
        sources = [name for name, side in arrays.pictures.items() if side == SOURCE_PX]
        targets = [name for name, side in arrays.pictures.items() if side != SOURCE_PX]
        if len(sources) != 1 or len(targets) != 1 or arrays.vectors or len(arrays.given_pictures) != 1:
            return None
        side = arrays.pictures[targets[0]]
        spec = SwapSpec(
            kind="swapper",
            architecture="blendswap",
            crop=PictureSpec("ffhq_512", side if side > 0 else 256, *UNIT_PIXELS),
            output=UNIT_OUTPUT,
            identity=IdentitySpec(form="picture", picture=PictureSpec("arcface_112_v2", SOURCE_PX, *UNIT_PIXELS)),
            names=SwapNames(targets[0], next(iter(arrays.given_pictures)), sources[0]),
        )
        return Recognised.surely(spec, marks=marks(portrait_of_112=True))


PLUGIN: Final[Family] = BlendSwap()
