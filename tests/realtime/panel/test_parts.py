"""The panel's parts that need no browser: controls, presets, history, adaptation, charts, uploads, advice."""

import asyncio
import os
import stat
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mien.config.patch import is_live, patched, setting_names
from mien.config.settings_file import load_settings
from mien.panel.advice import advice_on
from mien.panel.devices import camera_shown
from mien.panel.forms import Kind, controls, has_effect
from mien.panel.pages.outputs import offers_here, spec_of
from mien.panel.presets import History, Presets, kept_of, patch_of, toml_of
from mien.panel.preview import LEVELS, Adaptation
from mien.panel.status import RunView, StatusView
from mien.panel.trend import Trend, line_chart
from mien.panel.uploads import KINDS, Uploads
from mien.panel.uploads import Kind as UploadKind
from mien.sinks.registry import SINKS
from mien_models.errors import UsageError

ALL = ("swap", "look", "sound", "safety")
BY_FILE_OR_PAGE = {
    "face", "consent", "camera", "sinks", "assign", "recogniser",
    "enhance", "finish", "template", "recording_quality", "recording_height", "remote", "remote_takeover",
}  # fmt: skip
"""Live settings that have a page of their own, or name files and networks that only the terminal takes."""


def status(**run: Any) -> StatusView:
    settings = load_settings({}).model_dump(mode="json")
    given = {"state": "live", "frames_in": 900, "fps_in": 30.0, "fps_out": 30.0, "recent_age_ms": 40.0, **run}
    run_view = RunView.model_validate(given)
    return StatusView(session_id="12ab34", run=run_view, settings=settings, revision=0, camera="synthetic")


def test_every_live_setting_has_a_control_or_a_reason() -> None:
    shown = {control.name for control in controls(*ALL)}
    wanted = {name for name in setting_names() if is_live(name.partition(".")[0])}
    assert wanted - shown <= BY_FILE_OR_PAGE, "a setting that is new appears by itself, or is named above"


def test_what_a_control_can_say_the_settings_take() -> None:
    for control in controls(*ALL):
        values: list[object] = [None] if control.can_be_unset else []
        match control.kind:
            case Kind.SWITCH:
                values += [True, False]
            case Kind.SLIDER:
                values += [control.low, control.high]
            case Kind.CHOICE:
                values += control.choices
            case _:
                values += [list(control.choices)]
        for value in values:
            given = int(value) if control.is_whole and isinstance(value, float) else value
            patched(load_settings({}), {control.name: given})
        assert control.label
        assert control.help


def test_off_for_one_run_is_not_offered() -> None:
    found = {control.name: control.choices for control in controls(*ALL)}
    assert "off" not in found["label"]
    assert "off" not in found["content_gate"]


def test_a_preset_comes_back_as_it_was_and_as_a_settings_file(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "kept")
    now = {**status().settings, "colour": "none", "shape": 0.25, "consent": "self", "label": "off", "seconds": 5.0}
    now["sinks"] = ["virtualcam", "file:/films/a.mp4", "images:/films/a"]
    preset = presets.save("  Abend ✨ ", "synthetic", now)
    (found,) = presets.all()
    assert found == preset
    assert found.name == "Abend ✨"
    assert (found.settings["colour"], found.settings["shape"]) == ("none", 0.25)
    assert found.settings["sinks"] == ["virtualcam"], "a recording would be written over"
    assert not {"consent", "seconds", "label"} & set(found.settings)
    text = toml_of(found.settings)
    assert tomllib.loads(text)["colour"] == "none"
    file = tmp_path / "mien.toml"
    file.write_text(text, encoding="utf-8")
    assert load_settings({}, file).shape == 0.25
    assert patched(load_settings({}), patch_of(found)).colour == "none"
    assert "size" not in patch_of(found), "what cannot change during a run is not asked for"
    if sys.platform != "win32":
        assert all(stat.S_IMODE(one.stat().st_mode) == 0o600 for one in tmp_path.rglob("*.json"))
    presets.remove(found.key)
    assert presets.all() == ()


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\nb", "a\x00b"])
def test_a_name_that_is_none_keeps_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Presets(tmp_path).save(name, "0", {})
    assert Presets(tmp_path).all() == ()


def test_each_camera_has_its_own_look_and_damaged_files_are_left_out(tmp_path: Path) -> None:
    presets = Presets(tmp_path)
    presets.remember("046d:0825", {"colour": "none", "camera": "046d:0825", "face": ["anna"]})
    presets.remember("synthetic", {"colour": "mkl", "camera": "synthetic"})
    assert presets.of_camera("046d:0825") == {"colour": "none"}
    assert presets.of_camera("another") == {}
    last = presets.last()
    assert last is not None
    assert last.camera == "synthetic"
    (tmp_path / "last.json").write_text("{")
    assert presets.last() is None
    assert kept_of({"unknown": 1, "colour": "mkl"}) == {"colour": "mkl"}


def test_a_slider_that_is_drawn_is_one_step_back() -> None:
    history, before = History(), status()
    assert history.take_back() is None
    for _ in range(5):
        history.note(before, ["shape"])
    history.note(before, ["colour", "policy.lost"])
    history.note(before, [])
    assert history.take_back() == {"colour": "mkl", "policy.lost": "card"}
    assert history.take_back() == {"shape": 0.8}
    assert history.is_empty


def test_the_preview_gives_way_within_a_moment_and_comes_back_slowly() -> None:
    adaptation, begins = Adaptation(), LEVELS.index(Adaptation().level)
    late, well = status(recent_age_ms=120.0).run, status().run
    for _ in range(3):
        adaptation.look(late)
    assert LEVELS.index(adaptation.level) == begins + 1
    for _ in range(40):
        adaptation.look(late)
    assert adaptation.level == LEVELS[-1]
    for _ in range(30):
        adaptation.look(well)
    assert adaptation.level == LEVELS[-1]
    for _ in range(40):
        adaptation.look(well)
    assert adaptation.level == LEVELS[-2]
    shed = Adaptation()
    for _ in range(3):
        shed.look(status(shed=("The grain",)).run)
    assert shed.level == LEVELS[begins + 1], "what the session left out comes before the preview"


def test_what_is_slow_is_said_with_something_that_helps() -> None:
    assert advice_on(status()) == ()
    assert advice_on(status(frames_in=10, recent_age_ms=900.0)) == (), "a session that begins is not judged"
    (late,) = advice_on(status(recent_age_ms=200.0, recent_stages_ms={"swap": 60.0, "detail": 9.0, "mask": 5.0}))
    assert late.values == {"detail": False}
    assert late.button
    (dark,) = advice_on(status(fps_in=12.0))
    assert dark.fields == {"rate": ("12",)}
    (shed,) = advice_on(status(shed=("The grain",)))
    assert shed.fields == {"parts": ("The grain",)}
    failed = {"description": "file", "state": "failed", "why": "The disk is full."}
    (sink,) = advice_on(status(sinks=[failed]))
    assert sink.fields == {"why": ("The disk is full.",)}


def test_a_chart_draws_what_there_is_and_nothing_of_a_gap() -> None:
    assert "polyline" not in line_chart([])
    assert "polyline" not in line_chart([[None, 3.0, None]])
    drawn = line_chart([[1.0, None, 3.0, 2.0], [0.5, 0.5, 0.5, 0.5]])
    assert drawn.count("<polyline") == 2
    assert "nan" not in line_chart([[0.0, 0.0]])
    trend = Trend()
    for _ in range(1000):
        trend.add(status())
    assert len(trend.samples) <= 300
    trend.add(StatusView(session_id="other", run=status().run, settings={}, revision=0))
    assert len(trend.samples) == 1, "another session begins anew"


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def test_what_is_sent_is_bounded_named_by_us_and_swept_when_nothing_uses_it() -> None:
    uploads = Uploads()
    small = UploadKind("photos", ".photo", 10)
    kept = asyncio.run(uploads.take(KINDS["photo"], pieces(b"abc", b"def")))
    other = asyncio.run(uploads.take(KINDS["photo"], pieces(b"ghi")))
    path = uploads.path(KINDS["photo"], kept)
    assert path.read_bytes() == b"abcdef"
    assert uploads.is_ours(str(path))
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for parts in ((b"x" * 6, b"y" * 6), ()):
        with pytest.raises(UsageError):
            asyncio.run(uploads.take(small, pieces(*parts)))
    folder = Path(os.environ["MIEN_STATE_DIR"]) / "panel" / "photos"
    assert len(list(folder.iterdir())) == 2, "what was refused left nothing behind"
    for name in ("../token", "", kept[:-1], kept + "0", kept.upper() + "/", "0" * 18):
        with pytest.raises(UsageError):
            uploads.path(KINDS["photo"], name)
    path.with_suffix(".thumb.jpg").write_bytes(b"made of it")
    uploads.sweep([str(path)])
    assert sorted(one.name for one in folder.iterdir()) == [f"{kept}.photo", f"{kept}.thumb.jpg"]
    with pytest.raises(UsageError):
        uploads.path(KINDS["photo"], other)


def test_an_output_is_written_as_its_sink_says_that_it_is_typed() -> None:
    offers = {offer.name: offer for offer in offers_here()}
    assert spec_of(offers["virtualcam"], "") == "virtualcam"
    assert spec_of(offers["virtualcam"], "OBS Virtual Camera (2)") == "virtualcam:OBS Virtual Camera (2)"
    assert spec_of(offers["rtmp"], "rtmp://live.example.com/app/key") == "rtmp://live.example.com/app/key"
    assert spec_of(offers["rtmp"], "live.example.com/app/key") == "rtmp://live.example.com/app/key"
    assert spec_of(offers["twitch"], " live_1234_AbC ") == "twitch:live_1234_AbC"
    assert offers["twitch"].is_secret
    for name, typed in (("twitch", ""), ("virtualcam", "/etc/passwd"), ("twitch", "a b\nc"), ("rtmp", "")):
        with pytest.raises(UsageError, match="Type what the field shows"):
            spec_of(offers[name], typed)


def test_a_kind_of_output_that_is_new_is_offered_by_what_it_says_of_itself() -> None:
    for offer in offers_here():
        plugin = SINKS.load(offer.name)
        assert (offer.label, offer.help, offer.use) == (plugin.label or offer.name, plugin.help, plugin.use)
    assert "null" not in {offer.name for offer in offers_here()}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("/home/ada/films/cat.mp4", "cat.mp4"),
        ("rtsp://ada:secret@10.0.0.5/stream?key=1", "rtsp://10.0.0.5"),
        ("synthetic", "synthetic"),
        ("/dev/video0", "video0"),
    ],
)
def test_a_camera_is_shown_without_folders_and_secrets(address: str, shown: str) -> None:
    assert camera_shown(address) == shown


def test_only_what_changes_something_with_a_swapper_is_shown() -> None:
    by_name = {one.name: one for one in controls("swap")}
    assert not has_effect(by_name["strength"], "mesh")
    assert has_effect(by_name["strength"], "inswapper_128")
    assert has_effect(by_name["shape"], "mesh")
