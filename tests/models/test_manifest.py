"""Manifests are read strictly, and say where they are wrong."""

from importlib.resources import files

import pytest

from mien_models.errors import ModelError
from mien_models.library.builtin import manifest_names, read_manifest
from mien_models.specs.manifest import parse_manifest


def manifest_text() -> str:
    return (files("mien_models") / "manifests" / "facemesh_468.toml").read_text("utf-8")


@pytest.mark.parametrize("name", manifest_names())
def test_every_manifest_names_a_licence_text_that_is_carried_along(name: str) -> None:
    manifest = read_manifest(name)
    assert manifest.name == name
    assert (files("mien_models") / "weights" / manifest.licence.file).read_text("utf-8").strip()
    assert manifest.licence.sentence.endswith(".")


def test_a_field_of_the_wrong_type_is_named_with_its_line() -> None:
    text = manifest_text().replace("shape = [1, 192, 192, 3]", 'shape = "192"')
    line = next(i for i, s in enumerate(text.splitlines(), start=1) if s == 'shape = "192"')
    with pytest.raises(ModelError, match=rf"mesh\.toml, line {line}: the field 'input\.shape' is wrong"):
        parse_manifest(text, "mesh.toml")


def test_a_missing_field_is_named_with_the_line_of_its_table() -> None:
    text = manifest_text().replace('colour = "rgb"\n', "")
    line = text.splitlines().index("[input]") + 1
    with pytest.raises(ModelError, match=rf"line {line}: the field 'input\.colour' is wrong .*required"):
        parse_manifest(text, "mesh.toml")


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ModelError, match=r"line 1: the field 'sise' is wrong"):
        parse_manifest("sise = 3\n" + manifest_text(), "mesh.toml")


def test_a_line_that_is_no_toml_is_named() -> None:
    with pytest.raises(ModelError, match=r"mesh\.toml should be TOML.*line 2"):
        parse_manifest("a = 1\nb = = 2\n", "mesh.toml")


def test_an_unknown_network_lists_the_choices() -> None:
    with pytest.raises(ModelError, match=r"No network is called 'facemash'.*facemesh_468"):
        read_manifest("facemash")
