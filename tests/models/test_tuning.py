"""What is set of a swapper stays with it: template, face type, coverage, vertical offset, morph."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.models.adding import added
from tests.models.published import STYLES, published
from tests.onnx_networks import arcface_network, dfm_network

from mien_models.errors import UsageError
from mien_models.library.store import ModelLibrary
from mien_models.library.tuning import read_changes, settings_of, tuned
from mien_models.specs.network import SwapSpec
from mien_models.specs.stored import StoredModel
from mien_models.swappers._loader import Networks
from mien_models.types import Face, SourceFace, SwapOptions


def spec_of(stored: StoredModel) -> SwapSpec:
    spec = stored.manifest.network
    assert isinstance(spec, SwapSpec)
    return spec


def changed(library: ModelLibrary, name: str, *words: str) -> dict[str, str | float]:
    stored = library.describe_anew(tuned(library.find(name).manifest, read_changes(list(words))))
    assert stored == library.find(name)
    return settings_of(spec_of(stored))


def test_a_new_model_has_deep_face_lives_settings(library: ModelLibrary, tmp_path: Path) -> None:
    stored = added(library, published(tmp_path / "a.dfm", "dfm", STYLES["colons"])).stored
    assert settings_of(spec_of(stored)) == {
        "template": "dfl_whole_face",
        "coverage": 2.2,
        "vertical_offset": -0.08,
        "face_type": "whole_face",
        "morph": 0.75,
    }


def test_settings_are_kept_with_the_model_alone(library: ModelLibrary, tmp_path: Path) -> None:
    for name in ("one", "two"):
        added(library, published(tmp_path / "a.dfm", "dfm", STYLES["colons"]), name=name)
    before = settings_of(spec_of(library.find("two")))
    assert changed(library, "one", "face_type=head", "morph=0.3")["face_type"] == "head"
    wider = {name: value for name, value in before.items() if name != "face_type"}
    assert changed(library, "one", "coverage=2.9") == {**wider, "coverage": 2.9, "vertical_offset": -0.58, "morph": 0.3}
    assert changed(library, "one", "vertical_offset=-0.1")["vertical_offset"] == -0.1
    assert spec_of(library.find("one")).crop.extent is not None
    assert settings_of(spec_of(library.find("two"))) == before
    changed(library, "one", "face_type=whole_face", "morph=0.75")
    assert library.find("one").manifest.network == library.find("two").manifest.network


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("coverage", "NAME=VALUE"),
        ("cover=2", "NAME=VALUE"),
        ("coverage=wide", "a number from 0.5 to 8"),
        ("coverage=nan", "a number from 0.5 to 8"),
        ("coverage=100", "a number from 0.5 to 8"),
        ("vertical_offset=3", "from -1 to 1"),
        ("face_type=half", "full, whole_face, head"),
        ("template=arcface", "arcface_112_v1"),
        ("morph=0.5", "cannot be morphed|no model that can be morphed"),
    ],
)
def test_a_wrong_word_is_refused_with_what_is_possible(
    word: str, what: str, library: ModelLibrary, tmp_path: Path
) -> None:
    manifest = added(library, dfm_network(tmp_path / "a.dfm")).stored.manifest
    with pytest.raises(UsageError, match=what):
        tuned(manifest, read_changes([word]))


def test_nothing_of_an_identity_network_can_be_set(library: ModelLibrary, tmp_path: Path) -> None:
    manifest = added(library, arcface_network(tmp_path / "w600k_r50.onnx")).stored.manifest
    with pytest.raises(UsageError, match="no swapper"):
        tuned(manifest, {"coverage": "2"})


def test_a_template_can_be_chosen_when_a_model_is_added_and_for_one_run(
    library: ModelLibrary, tmp_path: Path, photo: Any, face: Face
) -> None:
    stored = added(library, dfm_network(tmp_path / "a.dfm"), template="ffhq_512").stored
    assert spec_of(stored).crop.template == "ffhq_512"
    with pytest.raises(UsageError, match="template takes one of"):
        added(library, tmp_path / "a.dfm", name="b", template="nothing")
    assert library.names() == ("a",)
    networks, source = Networks(library), SourceFace.of(photo, face)
    kept, other = (
        networks.swapper("a", source, SwapOptions(template=template)).swap(photo, face, captured_ns=0).frame_from_crop
        for template in (None, "arcface_128")
    )
    assert not np.allclose(kept, other)


def test_more_coverage_shows_more_of_the_face(library: ModelLibrary, tmp_path: Path, photo: Any, face: Face) -> None:
    stored = added(library, dfm_network(tmp_path / "a.dfm")).stored
    source = SourceFace.of(photo, face)
    scales: dict[float, float] = {}
    for coverage in (1.1, 2.2, 4.4):
        library.describe_anew(tuned(stored.manifest, {"coverage": str(coverage)}))
        swapped = Networks(library).swapper("a", source, SwapOptions()).swap(photo, face, captured_ns=0)
        scales[coverage] = float(np.hypot(*swapped.frame_from_crop[:, 0]))
    assert scales[2.2] == pytest.approx(2 * scales[1.1], rel=1e-3)
    assert scales[4.4] == pytest.approx(2 * scales[2.2], rel=1e-3)


@pytest.mark.parametrize(("asked", "given"), [(None, 0.75), (0.2, 0.2)])
def test_a_model_is_morphed_as_its_settings_say_unless_the_user_says_otherwise(
    asked: float | None,
    given: float,
    library: ModelLibrary,
    tmp_path: Path,
    photo: Any,
    face: Face,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = added(library, published(tmp_path / "a.dfm", "dfm", STYLES["colons"])).stored
    networks, fed = Networks(library), list[float]()
    session = networks.session(stored)
    run = session.run

    def noted(feeds: Any) -> Any:
        fed.append(float(feeds["morph_value:0"][0]))
        return run(feeds)

    monkeypatch.setattr(session, "run", noted)
    swapper = networks.swapper("a", SourceFace.of(photo, face), SwapOptions(morph=asked))
    swapper.swap(photo, face, captured_ns=0)
    assert fed == [pytest.approx(given)]


def test_a_manifest_of_before_is_read_as_it_was_meant(library: ModelLibrary, tmp_path: Path) -> None:
    stored = added(library, dfm_network(tmp_path / "a.dfm")).stored
    text = (stored.folder / "manifest.toml").read_text("utf-8")
    old = "\n".join(line for line in text.splitlines() if not line.startswith(("morph", "blends", "resize", "border")))
    (stored.folder / "manifest.toml").write_text(old, "utf-8")
    read = spec_of(library.find("a"))
    assert replace(read, crop=replace(read.crop, border="black")) == spec_of(stored)
