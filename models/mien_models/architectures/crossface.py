"""CrossFace converters: the vector of one identity network becomes that of another."""

from typing import Final

from mien_models.architectures._registry import Architecture, Recognised, marks
from mien_models.onnx_format.graph import GraphDescription
from mien_models.onnx_format.signature import FREE, signature
from mien_models.specs.network import ConvertSpec

USUAL_LENGTH: Final = 512


class CrossFace:
    """Known by taking one vector and giving one as long."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at shapes."""
        arrays = signature(graph)
        if not arrays.is_whole or arrays.pictures or len(arrays.vectors) != 1 or len(arrays.given_vectors) != 1:
            return None
        (source, length), (output, other) = *arrays.vectors.items(), *arrays.given_vectors.items()
        if other not in {length, FREE}:
            return None
        length = length if length != FREE else USUAL_LENGTH
        spec = ConvertSpec(kind="converter", architecture="crossface", input=source, output=output, length=length)
        return Recognised.surely(spec, marks=marks(vector_for_vector=True))


PLUGIN: Final[Architecture] = CrossFace()
