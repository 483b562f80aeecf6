"""Finds out what a file leaves open of its shapes, by running it once in another process."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from mien_models.errors import ModelError
from mien_models.library.probe import SIDES_PX
from mien_models.library.self_test import answer_of
from mien_models.onnx_format.graph import ArrayInfo, GraphDescription
from mien_models.onnx_format.signature import is_vague

_PROGRAM: Final = ("-P", "-m", "mien_models.library.probe")


def said_clearly(graph: GraphDescription, content: bytes, name: str) -> GraphDescription:
    """Give the description with the shapes that a run shows, where the file does not say what its arrays are.

    A side that the file leaves free stays free, for inputs and for the outputs that go with it. A network that does not
    run is given back as it is described: the trial that follows tells why.

    Args:
        graph: as the file describes it.
        content: of the file.
        name: what to call it in messages.
    """
    if not is_vague(graph):
        return graph
    try:
        answer = answer_of(_PROGRAM, name, content=content)
    except ModelError:
        return graph
    shapes = {kind: cast("Mapping[str, list[int]]", answer[kind]) for kind in ("inputs", "outputs")}
    free = _free_sides(graph.inputs, shapes["inputs"])
    return replace(
        graph, inputs=_said(graph.inputs, shapes["inputs"], free), outputs=_said(graph.outputs, shapes["outputs"], free)
    )


def _free_sides(arrays: Mapping[str, ArrayInfo], shapes: Mapping[str, list[int]]) -> frozenset[int]:
    """Give the sides that were chosen for the run where the file leaves them free."""
    return frozenset(
        ran
        for name, info in arrays.items()
        for said, ran in zip(info.shape[1:], shapes.get(name, [])[1:], strict=False)
        if said < 0 and ran in SIDES_PX
    )


def _said(
    arrays: Mapping[str, ArrayInfo], shapes: Mapping[str, list[int]], free: frozenset[int]
) -> dict[str, ArrayInfo]:
    return {
        name: replace(info, shape=_shape(info.shape, shapes[name], free)) if name in shapes else info
        for name, info in arrays.items()
    }


def _shape(said: tuple[int, ...], ran: list[int], free: frozenset[int]) -> tuple[int, ...]:
    if len(said) != len(ran):
        said = (-1,) * len(ran)
    return tuple(
        one if one > 0 else -1 if place == 0 or other in free else other
        for place, (one, other) in enumerate(zip(said, ran, strict=True))
    )
