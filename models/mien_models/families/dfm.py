"""DFM files of DeepFaceLab, made for DeepFaceLive: one identity in each, BGR in rows of pixels, two masks."""

from typing import Final

from mien_models.family import UNKNOWN_TERMS, Family, Recognised
from mien_models.onnx_file import GraphDescription
from mien_models.spec import UNIT_OUTPUT, UNIT_PIXELS, IdentitySpec, PictureSpec, SwapNames, SwapSpec

TARGET: Final = "in_face:0"
MORPH: Final = "morph_value:0"
OUTPUT: Final = "out_celeb_face:0"
MASKS: Final = ("out_face_mask:0", "out_celeb_face_mask:0")


class Dfm:
    """Known by the names of its inputs and outputs."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names and shapes."""
        face = graph.inputs.get(TARGET)
        if face is None or len(face.shape) != 4 or face.shape[3] != 3 or OUTPUT not in graph.outputs:
            return None
        spec = SwapSpec(
            kind="swapper",
            architecture="dfm",
            crop=PictureSpec("dfl_whole_face", max(face.shape[1], 64), *UNIT_PIXELS, layout="nhwc", colour="bgr"),
            output=UNIT_OUTPUT,
            identity=IdentitySpec(form="none"),
            names=SwapNames(
                TARGET,
                OUTPUT,
                masks=tuple(name for name in MASKS if name in graph.outputs),
                morph=MORPH if MORPH in graph.inputs else None,
            ),
        )
        return Recognised.surely(spec, UNKNOWN_TERMS)


PLUGIN: Final[Family] = Dfm()
