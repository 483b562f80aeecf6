"""`models add` on files as published projects write them: no file is taken for another family."""

from pathlib import Path

import pytest
from tests.models.published import CONTRACTS, STYLES, published

from mien_models.architectures._registry import ARCHITECTURES
from mien_models.errors import AmbiguousError
from mien_models.library.add import Wishes, add
from mien_models.library.inspect import look_at
from mien_models.library.store import ModelLibrary
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
