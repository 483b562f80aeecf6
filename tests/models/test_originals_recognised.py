"""Graphs of the projects' own classes in full size are told apart; `golden/ORIGIN.md` says how they were exported."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from mien_models.architectures._registry import recognise
from mien_models.errors import AmbiguousError
from mien_models.library.probing import said_clearly
from mien_models.onnx_format.graph import ArrayInfo, Constant, GraphDescription
from mien_models.onnx_format.signature import is_vague

OUTLINES: Final = np.load(Path(__file__).parent / "golden" / "outlines.npz")
NAMES: Final = tuple(OUTLINES.files)
NOTHING: Final = memoryview(b"")


def outline(name: str) -> GraphDescription:
    facts = json.loads(OUTLINES[name].tobytes())
    inputs, outputs = (
        {array: ArrayInfo(tuple(shape), np.float32) for array, shape in facts[kind].items()}
        for kind in ("inputs", "outputs")
    )
    constants = {
        constant: Constant(constant, tuple(shape), np.float32, NOTHING, NOTHING)
        for constant, shape in facts["constants"].items()
    }
    taken = frozenset(constants) - set(facts["unused"])
    return GraphDescription(inputs, outputs, constants, facts["operators"], {}, taken, tuple(facts["labels"]))


def as_it_is(graph: GraphDescription) -> GraphDescription:
    return graph


def nameless(graph: GraphDescription) -> GraphDescription:
    """As after a tool that throws away what modules are called."""
    constants = {
        f"onnx::Weight_{number}": replace(one, name=f"onnx::Weight_{number}")
        for number, one in enumerate(graph.constants.values())
    }
    return replace(graph, constants=constants, labels=())


def unsaid(graph: GraphDescription) -> GraphDescription:
    """As after a tool that loses the outputs' shapes."""
    return replace(
        graph, outputs={name: replace(info, shape=(-1,) * len(info.shape)) for name, info in graph.outputs.items()}
    )


def families(graph: GraphDescription) -> set[str]:
    try:
        return {spec.architecture for spec in recognise(graph, "net").specs.values()}
    except AmbiguousError as error:
        return set(error.families)


def test_there_is_a_graph_of_many_families() -> None:
    found = {name.partition("_")[0].partition("/")[0] for name in NAMES}
    assert found >= {"simswap", "ghost", "hyperswap", "hififace", "blendswap", "inswapper", "crossface", "arcface"}
    assert "hyperswap/legacy" in NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", [as_it_is, nameless, unsaid])
def test_a_graph_of_an_original_is_its_own_familys(
    name: str, way: Callable[[GraphDescription], GraphDescription]
) -> None:
    assert families(way(outline(name))) == {name.partition("/")[0].partition("_")[0]}


def test_the_labs_own_hyperswap_leaves_its_mask_open_and_a_run_is_asked_for() -> None:
    graph = outline("hyperswap/legacy")
    assert graph.outputs["mask"].shape == (-1, -1, -1, -1)
    assert is_vague(graph)
    assert not is_vague(outline("hyperswap/dynamo"))


def test_a_file_that_does_not_run_is_described_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = outline("hyperswap/legacy")
    assert said_clearly(graph, b"no network", "net") == graph
