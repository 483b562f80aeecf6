"""Every setting says what a form, a flag and a running session need to know of it."""

import ast
import typing
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from tests.onnx_networks import restoring_network

from mien.config.fields import range_of
from mien.config.patch import PatchError, is_live, patched, setting_names
from mien.config.settings import TABLES, Settings
from mien.config.settings_file import load_settings
from mien.session.options import resolve
from mien_models.plugins import Plugins

GROUPS = {"face", "camera", "sound", "outputs", "swap", "look", "safety", "run", "remote"}
ROOT = Path(__file__).parents[3]
FIELDS: dict[str, FieldInfo] = {
    **{name: field for name, field in Settings.model_fields.items() if name not in TABLES},
    **{f"{table}.{name}": field for table, model in TABLES.items() for name, field in model.model_fields.items()},
}


def kinds(annotation: Any) -> Iterator[Any]:
    """Give the plain types that an annotation is made of."""
    origin = get_origin(annotation)
    if origin in {Union, UnionType, typing.Annotated, tuple}:
        for one in get_args(annotation)[: 1 if origin is typing.Annotated else None]:
            yield from kinds(one)
    else:
        yield annotation


def said(field: FieldInfo) -> dict[str, Any]:
    extra: Any = field.json_schema_extra
    assert isinstance(extra, dict)
    return dict(cast("dict[str, Any]", extra))


@pytest.mark.parametrize("name", [*FIELDS, *TABLES])
def test_it_has_a_label_a_group_words_and_says_whether_it_can_change_live(name: str) -> None:
    field = FIELDS[name] if name in FIELDS else Settings.model_fields[name]
    told = said(field)
    assert told["label"][:1].isupper()
    assert told["group"] in GROUPS
    assert isinstance(told["live"], bool)
    assert isinstance(told["unit"], str)
    assert field.description
    assert not field.description.endswith(".")


def test_all_settings_are_looked_at() -> None:
    assert set(FIELDS) == set(setting_names())
    assert len({said(field)["label"] for field in FIELDS.values()}) == len(FIELDS), "two have one label"


@pytest.mark.parametrize("name", FIELDS)
def test_a_form_knows_what_may_be_entered(name: str) -> None:
    field, told = FIELDS[name], said(FIELDS[name])
    plain = [kind for kind in kinds(field.annotation) if kind not in (type(None), Ellipsis)]
    if any(kind in (int, float) or getattr(kind, "__name__", "") == "Fraction" for kind in plain):
        lowest, highest = range_of(field)
        assert lowest is not None, "a number without a lowest value"
        assert highest is not None or name == "seconds"
        assert told["unit"] or "0..1" in told["form"] or (lowest, highest) in {(0, 1), (0, 1.5)} or "threads" in name
    elif any(kind is bool or get_origin(kind) is Literal or issubclass(kind, Enum) for kind in plain):
        return
    else:
        assert told["form"] or told["plugins"], "free text says how it is written, or which plug-ins it names"
    if told["plugins"]:
        assert Plugins[Any].names(Plugins(told["plugins"], "one"))


def others(tmp_path: Path) -> dict[str, object]:
    """Give another value for every setting."""
    return {
        "face": ["someone.jpg"], "consent": "self", "camera": "7", "sinks": ["window"], "swapper": "mine",
        "strength": 0.5, "boost": 2, "morph": 0.5, "template": "ffhq_512", "provider": "cpu", "shape": 0.1,
        "colour": "none", "detail": False, "finish": "f.onnx",
        "enhance": f"gpen:{restoring_network(tmp_path / 'e.onnx')}",
        "landmarks": "fine", "glasses": "remove", "eyes": "photo", "tone": 0.5,
        "enhance_strength": 0.3, "masks": ["none"], "assign": "all", "recogniser": "other", "size": "640x480",
        "fps": "25", "loop": True, "seconds": 3.0, "report": "r.json", "label": "art", "content_gate": "always",
        "language": "de", "credentials_certificate": "c.pem", "credentials_key": "k.pem", "threads": 2,
        "swapper_threads": 2, "policy.lost": "blur", "policy.privacy": "blur", "policy.fault": "blur",
        "microphone": "none", "mute": True, "panic_mutes": False,
        "remote": "box:7000", "remote_takeover": False,
        "microphone_out": "Cable", "obs": "localhost", "obs_microphone": "Mic",
        "recording_quality": "small", "recording_height": 480, "lan": True,
        "edge.erode": 0.1, "edge.feather": 0.1,
    }  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_each_setting_reaches_a_part(name: str, tmp_path: Path) -> None:
    base: dict[str, object] = {"obs": "localhost"} if name == "obs_microphone" else {}
    if name == "enhance_strength":
        base["enhance"] = f"gpen:{restoring_network(tmp_path / 'b.onnx')}"
    before = load_settings(base)
    table, _, inner = name.partition(".")
    value = others(tmp_path)[name]
    after = load_settings({**base, table: {inner: value} if inner else value})
    assert (resolve(after) != resolve(before)) is True


@pytest.mark.parametrize("name", [name for name in FIELDS if is_live(name.partition(".")[0])])
def test_what_is_called_live_can_be_patched(name: str, tmp_path: Path) -> None:
    assert patched(load_settings({}), {name: others(tmp_path)[name]}) != load_settings({})


def imported(file: Path) -> set[str]:
    return {
        alias.name
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "mien.config.settings"
        for alias in node.names
    }


def test_parts_never_see_the_settings() -> None:
    package = ROOT / "realtime" / "mien"
    knowing = {
        str(file.relative_to(package)) for file in package.rglob("*.py") if {"Settings", "TABLES"} & imported(file)
    }
    allowed = {"session/options.py"}
    assert {one for one in knowing if not one.startswith(("config/", "cli/", "panel/"))} <= allowed


def test_no_settings_can_be_written_over() -> None:
    models: list[type[BaseModel]] = [Settings, *TABLES.values()]
    assert all(model.model_config.get("frozen") for model in models)


@pytest.mark.parametrize("name", ["label", "content_gate"])
def test_what_is_off_for_whole_runs_only_cannot_be_put_off_in_one(name: str) -> None:
    with pytest.raises(PatchError, match=r"expected 'on' or 'art'|expected 'files' or 'always'") as refused:
        patched(load_settings({}), {name: "off", "colour": "none"})
    assert list(refused.value.reasons) == [name]
    without = load_settings({name: "off"})
    assert patched(without, {"colour": "none"}) != without
