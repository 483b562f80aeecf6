"""The outline of a network by which families know it: which of its arrays are pictures, masks and vectors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mien_models.onnx_format.graph import ArrayInfo, GraphDescription

FREE: Final = -1
"""A side or length that is not said."""


@dataclass(frozen=True, slots=True)
class PictureAndVector:
    """A swapper's arrays where it takes one picture and one vector."""

    target: str
    side: int
    """Of the picture, -1 if free."""
    source: str
    output: str
    masks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """Names with the sides of pictures (n, 3, side, side) and masks (n, 1, side, side), -1 if free, and lengths.

    An output of which not even the number of colours is said counts as a mask if its name says so, else as a picture.
    """

    pictures: Mapping[str, int]
    vectors: Mapping[str, int]
    given_pictures: Mapping[str, int]
    given_masks: Mapping[str, int]
    given_vectors: Mapping[str, int]
    is_whole: bool
    """Whether these are all of its inputs and outputs."""

    def picture_and_vector(self, length: int = 512) -> PictureAndVector | None:
        """Give a swapper's arrays; None where it does not take one picture and one vector and give one picture."""
        is_like_it = len(self.pictures) == 1 and list(self.vectors.values()) in ([length], [FREE])
        if not is_like_it or len(self.given_pictures) != 1:
            return None
        target, side = next(iter(self.pictures.items()))
        source, output = next(iter(self.vectors)), next(iter(self.given_pictures))
        return PictureAndVector(target, side, source, output, tuple(self.given_masks))

    def target_and_source(self) -> tuple[tuple[str, str], ...]:
        """Give two pictures as target and source, as their names say; in both ways where these do not, or not at all.

        Raises:
            ValueError: it takes another number of pictures.
        """
        first, second = self.pictures
        both = (first, second), (second, first)
        said = tuple(
            (target, source) for target, source in both if "target" in target.lower() or "source" in source.lower()
        )
        return said if len(said) == 1 else both


def signature(graph: GraphDescription) -> Signature:
    """Sort the inputs and outputs of a network with NCHW pictures."""
    pictures, vectors = _squares(graph.inputs, 3, FREE), _vectors(graph.inputs)
    unsaid = {name for name, info in graph.outputs.items() if _says_no_colours(info)}
    masked = {name for name in unsaid if "mask" in name.lower()}
    given_pictures = _squares(graph.outputs, 3) | dict.fromkeys(unsaid - masked, FREE)
    given_masks = _squares(graph.outputs, 1) | dict.fromkeys(masked, FREE)
    given_vectors = _vectors(graph.outputs)
    known = sum(len(one) for one in (pictures, vectors, given_pictures, given_masks, given_vectors))
    is_whole = known == len(graph.inputs) + len(graph.outputs)
    return Signature(pictures, vectors, given_pictures, given_masks, given_vectors, is_whole)


def is_vague(graph: GraphDescription) -> bool:
    """Say whether a file leaves open what one of its arrays is: more than the batch and a picture's side."""
    arrays = (*graph.inputs.values(), *graph.outputs.values())
    return any(not info.shape or FREE in info.shape[1:2] or _is_half_said(info) for info in arrays)


def _says_no_colours(info: ArrayInfo) -> bool:
    return not info.shape or (len(info.shape) == 4 and info.shape[1] == FREE and info.shape[3] not in {1, 3})


def _is_half_said(info: ArrayInfo) -> bool:
    """Tell a picture of which one side is said and the other is not."""
    return len(info.shape) == 4 and (info.shape[2] == FREE) != (info.shape[3] == FREE)


def _squares(arrays: Mapping[str, ArrayInfo], *channels: int) -> dict[str, int]:
    return {
        name: info.shape[2]
        for name, info in arrays.items()
        if len(info.shape) == 4 and info.shape[1] in channels and info.shape[2] == info.shape[3]
    }


def _vectors(arrays: Mapping[str, ArrayInfo]) -> dict[str, int]:
    return {name: info.shape[1] for name, info in arrays.items() if len(info.shape) == 2}
