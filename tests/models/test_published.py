"""`models add` on files as published projects write them: no file is taken for another family."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.models.published import CONTRACTS, STYLES, published

from mien_models.architectures._registry import ARCHITECTURES, recognise
from mien_models.errors import AmbiguousError
from mien_models.library.add import Wishes, add
from mien_models.library.inspect import look_at
from mien_models.library.store import ModelLibrary
from mien_models.onnx_format.graph import read_graph
from mien_models.specs.network import SwapSpec

ALL = [(family, style) for family in CONTRACTS for style in STYLES]


def seen_as(path: Path) -> set[str]:
    """The families that a file is taken for; several where it is refused until somebody says which."""
    try:
        return {spec.architecture for spec in look_at(path).found.specs.values()}
    except AmbiguousError as error:
        return set(error.families)


def test_every_family_is_in_the_matrix() -> None:
    assert set(CONTRACTS) == set(ARCHITECTURES.names())


@pytest.mark.parametrize(("family", "style"), ALL)
def test_a_file_is_taken_for_its_own_family(family: str, style: str, tmp_path: Path) -> None:
    assert seen_as(published(tmp_path / "net.onnx", family, STYLES[style])) == {family}


@pytest.mark.parametrize("family", CONTRACTS)
def test_a_network_that_has_but_the_contract_is_asked_about_rather_than_taken_for_another(
    family: str, tmp_path: Path
) -> None:
    path = published(tmp_path / "net.onnx", family, STYLES["slimmed"], weights={})
    assert family in seen_as(path)
    assert {spec.architecture for spec in look_at(path, family=family).found.specs.values()} == {family}


@pytest.mark.parametrize(
    ("family", "style"),
    [
        ("inswapper", "dynamo, half everywhere"),
        ("simswap", "colons"),
        ("ghost", "legacy, half inside"),
        ("hyperswap", "legacy, outputs unsaid"),
        ("hififace", "legacy, opset 11"),
        ("blendswap", "dynamo, opset 21, external"),
        ("uniface", "legacy, sides"),
        ("mobilefaceswap", "dynamo, opset 18"),
        ("dfm", "legacy, opset 17, batch"),
        ("arcface", "dynamo, opset 21, external"),
        ("crossface", "legacy, half inside"),
    ],
)
def test_it_runs_as_what_it_was_taken_for(family: str, style: str, library: ModelLibrary, tmp_path: Path) -> None:
    candidate = look_at(published(tmp_path / "net.onnx", family, STYLES[style]))
    spec = candidate.found.specs[CONTRACTS[family].answers[0]]
    added = add(library, candidate, spec, Wishes(origin="net.onnx"))
    assert added.run_ms > 0
    if isinstance(spec, SwapSpec):
        sides = {shape[2] for shape in CONTRACTS[family].inputs.values() if len(shape) == 4}
        assert spec.crop.size_px in sides


def test_a_licence_is_not_shown_on_a_guess(tmp_path: Path) -> None:
    for family in CONTRACTS:
        found = look_at(published(tmp_path / f"{family}.onnx", family, STYLES["legacy, opset 11"])).found
        assert found.terms.name == "unknown"


@pytest.mark.parametrize(
    ("family", "names", "answers"),
    [
        ("uniface", ("x", "y"), {"x", "y"}),
        ("uniface", ("img_source", "img"), {"img"}),
        ("uniface", ("x", "Target"), {"Target"}),
        ("blendswap", ("x", "y"), {"x", "y"}),
        ("blendswap", ("x", "source:0"), {"x"}),
    ],
)
def test_which_of_two_pictures_is_the_frames_is_asked_where_no_name_says_it(
    family: str, names: tuple[str, str], answers: set[str], tmp_path: Path
) -> None:
    style = "legacy, sides" if family == "blendswap" else "legacy, opset 11"
    graph = read_graph(published(tmp_path / "net.onnx", family, STYLES[style]).read_bytes(), "net")
    renamed = replace(graph, inputs=dict(zip(names, graph.inputs.values(), strict=True)))
    found = recognise(renamed, "net", family=family)
    assert bool(found.question) == (len(answers) > 1)
    named = [spec.names for spec in found.specs.values() if isinstance(spec, SwapSpec)]
    assert {one.target for one in named} == answers
    assert all({one.target, one.source} == set(names) for one in named)
    assert found.specs.keys() == (answers if found.question else {""})


def test_a_blendswap_whose_source_alone_is_free_is_known(tmp_path: Path) -> None:
    graph = read_graph(published(tmp_path / "net.onnx", "blendswap", STYLES["slimmed"]).read_bytes(), "net")
    free = replace(graph.inputs["source"], shape=(1, 3, -1, -1))
    (spec,) = recognise(replace(graph, inputs={**graph.inputs, "source": free}), "net").specs.values()
    assert spec.architecture == "blendswap"
