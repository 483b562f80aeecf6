"""A plug-in of any kind is one new file, in a user's own folder too, and nothing else is touched."""

import ast
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.real_runs import mien, sentence_of

from mien.sinks.registry import SINKS
from mien.sources.registry import SOURCES
from mien.stages.colour import COLOURS
from mien.stages.mask import MASKS
from mien.tracking.photo import find_faces
from mien_models.architectures._registry import ARCHITECTURES
from mien_models.errors import BrokenPluginError, UsageError
from mien_models.networks.enhancers._base import ENHANCERS
from mien_models.plugins import Plugins, Usual, usual
from mien_models.system.folders import data_folder
from mien_models.types import BgrU8

OWN = Path(__file__).parent / "own_plugins"
ROOT = Path(__file__).parents[2]
DESCRIBED: list[Plugins[Any]] = [SINKS, SOURCES, COLOURS, MASKS, ENHANCERS]
KINDS: list[Plugins[Any]] = [*DESCRIBED, ARCHITECTURES]
ADDED = {
    "sinks": "last",
    "sources": "still",
    "colour_methods": "swapped_channels",
    "mask_methods": "left_half",
    "enhancers": "red",
    "architectures": "dimmer",
}


@pytest.fixture
def own_plugins() -> None:
    """Put one of each kind into the user's own folder."""
    shutil.copytree(OWN, data_folder() / "plugins", ignore=shutil.ignore_patterns("__pycache__"))


def dimmer_network(path: Path) -> Path:
    """Write a network that no built-in architecture feeds: bytes times a brightness."""
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["bytes"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["numbers", "brightness"], ["dimmed"]),
        ],
        "dimmer",
        [
            helper.make_tensor_value_info("bytes", TensorProto.UINT8, [1, 128, 128, 3]),
            helper.make_tensor_value_info("brightness", TensorProto.FLOAT, [1]),
        ],
        [helper.make_tensor_value_info("dimmed", TensorProto.FLOAT, [1, 128, 128, 3])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


@pytest.mark.usefixtures("own_plugins")
def test_one_of_each_kind_from_the_users_own_folder_makes_a_live_picture_together(tmp_path: Path, photo: BgrU8) -> None:
    added = mien("models", "add", dimmer_network(tmp_path / "net.onnx"), "--name", "mine")
    assert added.returncode == 0, added.stderr.decode()
    assert "dimmer" in added.stderr.decode()
    words = ["run", "--camera", "still:20", "--sink", f"last:{tmp_path / 'last.npy'}", "--swapper", "mine", "--no-loop"]
    words += ["--colour", "swapped_channels", "--mask", "left_half", "--enhance", "red", "--no-detail"]
    done = mien(*words, "--consent", "synthetic", "--size", "512x512", "--report", tmp_path / "report.json")
    assert done.returncode == 0, done.stderr.decode()
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["frames_swapped"] > 0
    assert report["notes"]["masks"] == "left_half"
    assert report["notes"]["enhancer"] == "red"
    sent = np.load(tmp_path / "last.npy").astype(int)
    assert sent[5:35, 5:35].min() > 200, "the source's white corner"
    left, top, right, bottom = find_faces(photo)[0].box_xyxy
    middle = slice(int(top + 0.45 * (bottom - top)), int(top + 0.55 * (bottom - top)))
    beside = (right - left) / 4
    blue, green, red = sent[middle, int(left + beside - 5) : int(left + beside + 5)].mean(axis=(0, 1))
    assert blue > green + 80, "the architecture paints green, the colour method makes blue of it"
    assert red > green + 80, "the enhancer paints red"
    open_half = np.abs(sent - photo)[middle, int(right - beside - 5) : int(right - beside + 5)]
    assert open_half.mean() < 12, "the mask leaves the right half as it was"


@pytest.mark.usefixtures("own_plugins")
def test_help_lists_what_is_found_with_what_it_says_of_itself() -> None:
    said = " ".join(mien("run", "--help", more={"COLUMNS": "200"}).stdout.decode().split())
    for words in ("last:PATH.npy", "last: the newest picture", "still:COUNT", "|pale_red|red|", "half a face"):
        assert words in said
    assert "swapped_channels: green becomes blue" in said
    assert "virtualcam[:DEVICE]" in said


@pytest.mark.usefixtures("own_plugins")
def test_each_kind_finds_its_own_files_without_running_them() -> None:
    kinds = {one.own_folder.name: one for one in KINDS}
    assert set(kinds) == set(ADDED)
    for folder, name in ADDED.items():
        assert name in kinds[folder].names()
        assert kinds[folder].load(name) is not None


@pytest.mark.parametrize("plugins", DESCRIBED, ids=lambda one: one.noun)
def test_what_is_read_of_a_file_is_what_it_is(plugins: Plugins[Any]) -> None:
    described = plugins.described()
    assert tuple(one.name for one in described) == plugins.names()
    for one in described:
        plugin = plugins.load(one.name)
        assert one.help
        for what in ("help", "target", "address"):
            assert getattr(one, what) == getattr(plugin, what, "")


def own_sink(text: str, name: str) -> Path:
    folder = data_folder() / "plugins" / "sinks"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(text, "utf-8")
    return folder / f"{name}.py"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("unparsable", "PLUGIN = (", "SyntaxError"),
        ("unfinished", "import nothing_of_that_name", "nothing_of_that_name"),
        ("without_any", "", "PLUGIN"),
        ("of_another_kind", "PLUGIN = 3", "should be a SinkPlugin, is a int"),
        ("with_a_fault", "1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_file_of_the_users_own_that_cannot_be_used_is_one_sentence_when_it_is_asked_for(
    name: str, text: str, why: str
) -> None:
    path = own_sink(text, name)
    assert name in SINKS.names()
    assert "null" in [one.name for one in SINKS.described()]
    with pytest.raises(BrokenPluginError, match=why) as refusal:
        SINKS.parse(f"{name}:somewhere")
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_broken_one_stops_a_run_that_names_it_with_its_sentence() -> None:
    own_sink("PLUGIN = (", "torn")
    done = mien("run", "--sink", "torn")
    assert done.returncode == 2
    assert "Your sink 'torn' cannot be used" in sentence_of(done.stderr)


def test_no_file_of_the_users_own_takes_the_place_of_what_comes_with_mien() -> None:
    own_sink("PLUGIN = 3", "null")
    assert SINKS.load("null").help == "nowhere, for measuring"


def test_the_first_that_is_of_use_here_is_the_usual_one_and_what_is_odd_is_said() -> None:
    said: list[str] = []
    some = {"b": Usual(2, lambda: "b:1", lambda: "No a was found."), "a": Usual(1, lambda: None), "c": None}
    assert usual(some.items(), said.append) == "b:1"
    assert said == ["No a was found."]
    with pytest.raises(UsageError, match="asked for by name"):
        usual([("c", None)], said.append)


def compared_texts(file: Path) -> Iterator[tuple[int, str]]:
    """Give every text that a file compares something with, or looks up in a set of texts."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        # A stream's type is FFmpeg's word, a track's kind WebRTC's, an identity map's place that of a manifest.
        is_of_others = isinstance(node, ast.Compare) and getattr(node.left, "attr", "") in {"type", "map", "kind"}
        if isinstance(node, ast.Compare) and not is_of_others:
            for one in ast.walk(node):
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield node.lineno, one.value


def test_no_other_file_asks_for_a_plug_in_by_its_name() -> None:
    names = {name for plugins in KINDS for name in plugins.names()} - {"none"}
    found = [
        f"{file.relative_to(ROOT)}:{line} {text!r}"
        for root in ("realtime", "models")
        for file in (ROOT / root).rglob("*.py")
        for line, text in compared_texts(file)
        # The panel's start page leads to a virtual camera: that is what it is for.
        if text in names and file.stem != text and file.match("panel/pages/start.py") is False
    ]
    assert found == []
