"""The outline of a network by which families know it: which of its arrays are pictures, masks and vectors."""

from collections.abc import Mapping
from dataclasses import dataclass

from mien_models.onnx_file import ArrayInfo, GraphDescription


@dataclass(frozen=True, slots=True)
class Signature:
    """Names with the sides of pictures (n, 3, side, side) and masks (n, 1, side, side), -1 if free, and lengths."""

    pictures: Mapping[str, int]
    vectors: Mapping[str, int]
    given_pictures: Mapping[str, int]
    given_masks: Mapping[str, int]
    given_vectors: Mapping[str, int]
    is_whole: bool
    """Whether these are all of its inputs and outputs."""

    def picture_and_vector(self, length: int = 512) -> tuple[str, int, str, str] | None:
        """Give the names of a swapper's arrays where it takes one picture and one vector and gives one picture.

        Returns:
            Name of the picture, its side, name of the vector, name of the first picture that is given; or None.
        """
        if len(self.pictures) != 1 or list(self.vectors.values()) != [length] or len(self.given_pictures) != 1:
            return None
        target, side = next(iter(self.pictures.items()))
        return target, side, next(iter(self.vectors)), next(iter(self.given_pictures))


def signature(graph: GraphDescription) -> Signature:
    """Sort the inputs and outputs of a network with NCHW pictures."""
    pictures, vectors = _squares(graph.inputs, 3), _vectors(graph.inputs)
    given = _squares(graph.outputs, 3), _squares(graph.outputs, 1), _vectors(graph.outputs)
    known = len(pictures) + len(vectors) + sum(len(one) for one in given)
    return Signature(pictures, vectors, *given, is_whole=known == len(graph.inputs) + len(graph.outputs))


def _squares(arrays: Mapping[str, ArrayInfo], channels: int) -> dict[str, int]:
    return {
        name: info.shape[2]
        for name, info in arrays.items()
        if len(info.shape) == 4 and info.shape[1] == channels and info.shape[2] == info.shape[3]
    }


def _vectors(arrays: Mapping[str, ArrayInfo]) -> dict[str, int]:
    return {name: info.shape[1] for name, info in arrays.items() if len(info.shape) == 2}
