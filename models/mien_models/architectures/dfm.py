"""DFM files of DeepFaceLab, made for DeepFaceLive: one identity in each, BGR in rows of pixels, two masks."""

from collections.abc import Iterable
from typing import Final

from mien_models.architectures._registry import Architecture, Recognised, marks
from mien_models.onnx_format.graph import GraphDescription
from mien_models.specs.network import UNIT_OUTPUT, UNIT_PIXELS, IdentitySpec, PictureSpec, SwapNames, SwapSpec

TARGET: Final = "in_face"
MORPH: Final = "morph_value"
OUTPUT: Final = "out_celeb_face"
MASKS: Final = ("out_face_mask", "out_celeb_face_mask")


class Dfm:
    """Known by the names of its inputs and outputs, which some tools rid of TensorFlow's `:0`."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names and shapes."""
        taken, given = _plain(graph.inputs), _plain(graph.outputs)
        if TARGET not in taken or OUTPUT not in given:
            return None
        face = graph.inputs[taken[TARGET]]
        if len(face.shape) != 4 or face.shape[3] not in {3, -1}:
            return None
        spec = SwapSpec(
            kind="swapper",
            architecture="dfm",
            crop=crop(face.shape[1] if face.shape[1] > 0 else 224),
            output=UNIT_OUTPUT,
            identity=IdentitySpec(form="none"),
            names=SwapNames(
                taken[TARGET],
                given[OUTPUT],
                masks=tuple(given[name] for name in MASKS if name in given),
                morph=taken.get(MORPH),
            ),
        )
        return Recognised.surely(spec, marks=marks(names=True, masks=bool(spec.names.masks)))


def crop(size_px: int) -> PictureSpec:
    """Say how its picture is cut out: by five points, as much of a face as DeepFaceLive shows of whole faces."""
    return PictureSpec("dfl_whole_face", size_px, *UNIT_PIXELS, layout="nhwc", colour="bgr", border="black")


def _plain(names: Iterable[str]) -> dict[str, str]:
    """Give names by what stands before the colon."""
    return {name.partition(":")[0]: name for name in names}


PLUGIN: Final[Architecture] = Dfm()
