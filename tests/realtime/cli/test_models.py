"""`mien models`: what it says, prints and asks."""

import hashlib
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from tests.http_files import Behaviour, serving
from tests.models.published import STYLES, published
from tests.onnx_networks import arcface_network, dfm_network, inswapper_network

from mien.cli.main import main
from mien_models.library import known_files
from mien_models.specs.stored import MANIFEST
from mien_models.system import folders


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def printed(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> Any:
    capsys.readouterr()
    assert main(["models", *words, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def kept() -> list[str]:
    folder = folders.data_folder() / "models"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def simswap_network(path: Path) -> Path:
    """Turn inswapper's into one that looks like SimSwap of 256 px, about which a question is left."""
    model = onnx.load(str(inswapper_network(path, 256)))
    for constant in list(model.graph.initializer):
        if constant.name in {"style.weight", "first.weight", "emap"}:
            model.graph.initializer.remove(constant)
    shapes = {"style": (1024, 512), "first": (64, 3, 7, 7)}
    for name, shape in shapes.items():
        model.graph.initializer.append(numpy_helper.from_array(np.zeros(shape, np.float32), name))
    onnx.save(model, str(path))
    return path


def test_the_list_begins_with_what_is_built_in(capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(capsys, "list")["models"]
    assert rows[0]["name"] == "mesh"
    assert {"facemesh_468", "blazeface_short_range"} <= {row["name"] for row in rows}
    assert all(row["licence"]["sentence"] and row["runtime"] for row in rows)
    assert main(["models", "list"]) == 0
    table = capsys.readouterr().out
    assert "mesh (built in)" in table
    assert "Apache-2.0" in table


def test_a_file_is_added_shown_checked_and_removed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = inswapper_network(tmp_path / "inswapper_128.onnx")
    assert main(["models", "add", str(path)]) == 0
    output = capsys.readouterr()
    assert output.out == "inswapper_128\n"
    assert "Licence: unknown. Nobody said under what terms these weights may be used" in output.err
    assert "mien models add FILE.onnx --name arcface_w600k_r50" in output.err
    assert printed(capsys, "list")["models"][-1]["missing"] == ["arcface_w600k_r50"]
    assert main(["models", "add", str(arcface_network(tmp_path / "w600k_r50.onnx"))]) == 0
    assert printed(capsys, "info", "inswapper_128")["missing"] == []
    assert main(["models", "info", "inswapper_128"]) == 0
    assert 'template = "arcface_128"' in capsys.readouterr().out
    assert printed(capsys, "verify")["is_well"]
    assert main(["models", "remove", "arcface_w600k_r50"]) == 0
    assert "inswapper_128 needs 'arcface_w600k_r50', which is gone now" in capsys.readouterr().err
    assert kept() == [f"inswapper_128/{name}" for name in ("inswapper_128.onnx", MANIFEST)]
    assert path.exists()


def test_damage_is_told_by_exit_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["models", "add", str(dfm_network(tmp_path / "a.dfm")), "--name", "one"]) == 0
    assert main(["models", "add", str(tmp_path / "a.dfm"), "--name", "two"]) == 0
    folder = folders.data_folder() / "models"
    (folder / "one" / "a.dfm").write_bytes(b"")
    (folder / "two" / MANIFEST).write_text("name = 3", "utf-8")
    found = printed(capsys, "verify", status=1)
    assert not found["is_well"]
    assert "sha256 should be" in found["models"][0]["fault"]
    assert "line 1" in found["models"][1]["fault"]
    assert main(["models", "list"]) == 0
    assert "line 1" in capsys.readouterr().out
    assert main(["models", "remove", "one", "two"]) == 0
    assert kept() == []


def test_a_program_is_told_which_flag_answers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = str(simswap_network(tmp_path / "simswap_256.onnx"))
    assert main(["models", "add", path]) == 2
    assert "--answer imagenet|unit|own" in capsys.readouterr().err
    assert kept() == []
    assert main(["models", "add", path, "--answer", "unit", "--licence", "mine"]) == 0
    facts = printed(capsys, "info", "simswap_256")
    assert facts["network"]["crop"]["offset"] == [0, 0, 0]
    assert facts["licence"]["name"] == "mine"


class Person(io.StringIO):
    """At a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_person_is_asked(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Person("imagenet\n"))
    monkeypatch.setattr("mien_models.system.streams._made", lambda _kind, stream: stream)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["models", "add", str(simswap_network(tmp_path / "simswap_256.onnx"))]) == 0
    assert "[imagenet|unit|own]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "what"),
    [
        (["a.dfm", "--as", "gost"], 2, "Did you mean 'ghost'"),
        (["a.dfm", "--as", "ghost"], 1, "ghost"),
        (["a.dfm", "--name", "mesh"], 2, "built in"),
        (["a.dfm", "--name", "../a"], 2, "cannot name a model"),
        (["a.dfm", "--sha256", "0" * 64], 1, "sha256 should be"),
        (["a.dfm", "--sha256", "abc"], 2, "64 hexadecimal digits"),
        (["a.dfm", "--map"], 2, "--map"),
        (["nothing.onnx"], 1, "cannot be read"),
        (["."], 1, "no file"),
        (["ftp://127.0.0.1/a.onnx"], 2, "https://"),
        (["http://127.0.0.1:9/a.onnx", "--sha256", "abc"], 2, "64 hexadecimal digits"),
    ],
)
def test_what_cannot_be_added_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], status: int, what: str
) -> None:
    dfm_network(tmp_path / "a.dfm")
    assert main(["models", "add", *words]) == status
    assert what in capsys.readouterr().err
    assert kept() == []


def test_a_name_that_is_taken_is_replaced_only_when_asked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["models", "add", str(dfm_network(tmp_path / "a.dfm"))]) == 0
    before = printed(capsys, "info", "a")["sha256"]
    assert main(["models", "add", str(dfm_network(tmp_path / "a.dfm", gain=0.4))]) == 2
    assert "--replace" in capsys.readouterr().err
    assert printed(capsys, "info", "a")["sha256"] == before
    assert main(["models", "add", str(tmp_path / "a.dfm"), "--replace"]) == 0
    assert printed(capsys, "info", "a")["sha256"] != before


def test_an_address_is_downloaded_and_its_hash_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    content = dfm_network(tmp_path / "made").read_bytes()
    with serving(Behaviour(content, breaks_after=[500])) as address:
        assert main(["models", "add", f"{address}/net.onnx?token=secret"]) == 0
        sha256 = hashlib.sha256(content).hexdigest()
        assert f"--sha256 {sha256}" in capsys.readouterr().err
        assert printed(capsys, "info", "net")["origin"] == f"{address}/net.onnx"
        assert main(["models", "add", f"{address}/net.onnx", "--replace", "--sha256", sha256]) == 0
        assert main(["models", "add", f"{address}/net.onnx", "--replace", "--sha256", "0" * 64]) == 1
    assert kept() == ["net/manifest.toml", "net/net.onnx"]


def test_a_download_waits_for_an_answer_but_not_when_it_is_no_network(tmp_path: Path) -> None:
    behaviour = Behaviour(simswap_network(tmp_path / "made").read_bytes())
    with serving(behaviour) as address:
        assert main(["models", "add", f"{address}/net.onnx"]) == 2
        assert len(kept()) == 2
        assert main(["models", "add", f"{address}/net.onnx", "--answer", "unit"]) == 0
        assert behaviour.asked == [None]
        behaviour.content = b"<!DOCTYPE html>"
        assert main(["models", "add", f"{address}/net.onnx", "--name", "page"]) == 1
    assert kept() == ["net/manifest.toml", "net/net.onnx"]


def test_a_manifest_is_added_with_the_file_beside_it_or_the_address_in_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = dfm_network(tmp_path / "a.dfm")
    content = path.read_bytes()
    assert main(["models", "add", str(path)]) == 0
    text = (folders.data_folder() / "models" / "a" / MANIFEST).read_text("utf-8").replace('name = "a"', 'name = "b"')
    (tmp_path / "b.toml").write_text(text, "utf-8")
    assert main(["models", "add", "b.toml"]) == 0
    assert printed(capsys, "info", "b")["origin"] == "a.dfm"
    path.unlink()
    with serving(Behaviour(content)) as address:
        far = text.replace('origin = "a.dfm"', f'origin = "{address}/net.onnx"')
        (tmp_path / "b.toml").write_text(far, "utf-8")
        assert main(["models", "add", "b.toml", "--replace"]) == 0
    assert printed(capsys, "info", "b")["file"] == "a.dfm"


def test_a_stamp_is_believed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from mien_models.architectures._registry import STAMP, stamp_of
    from mien_models.library.inspect import look_at

    path = simswap_network(tmp_path / "net.onnx")
    model = onnx.load(str(path))
    helper.set_model_props(model, {STAMP: stamp_of(look_at(path).found.specs["own"])})
    onnx.save(model, str(path))
    assert main(["models", "add", str(path)]) == 0
    assert printed(capsys, "info", "net")["missing"] == ["arcface_simswap"]


def test_numbers_beside_a_file_are_kept_with_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model = onnx.load(str(inswapper_network(tmp_path / "whole.onnx")))
    onnx.save(model, str(tmp_path / "split.onnx"), save_as_external_data=True, location="split.onnx.data")
    sha256 = hashlib.sha256((tmp_path / "split.onnx").read_bytes()).hexdigest()
    assert main(["models", "add", "split.onnx", "--sha256", sha256]) == 0
    (tmp_path / "split.onnx.data").unlink()
    assert main(["models", "verify"]) == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "split.onnx").rename(tmp_path / "other" / "split.onnx")
    assert main(["models", "add", "other/split.onnx", "--replace"]) == 1
    assert "'split.onnx.data' beside it, which cannot be read" in capsys.readouterr().err


def bare_swapper(path: Path) -> Path:
    return published(path, "hififace", replace(STYLES["slimmed"], anonymous=True), weights={})


def test_what_may_be_of_several_families_is_asked_about(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(bare_swapper(tmp_path / "net.onnx"))
    assert main(["models", "add", path]) == 2
    assert "--as ghost|hififace|hyperswap|inswapper|simswap" in capsys.readouterr().err
    assert kept() == []
    monkeypatch.setattr(sys, "stdin", Person("hififace\n"))
    monkeypatch.setattr("mien_models.system.streams._made", lambda _kind, stream: stream)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["models", "add", path]) == 0
    assert "[ghost|hififace|hyperswap|inswapper|simswap]" in capsys.readouterr().err
    assert printed(capsys, "info", "net")["family"] == "hififace"


def test_what_it_is_can_be_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = str(bare_swapper(tmp_path / "net.onnx"))
    assert main(["models", "add", path, "--as", "hyperswap", "--template", "ffhq_512"]) == 0
    facts = printed(capsys, "info", "net")
    assert facts["family"] == "hyperswap"
    assert facts["network"]["crop"]["template"] == "ffhq_512"
    assert main(["models", "add", path, "--as", "uniface", "--name", "other"]) == 1
    assert "of the families uniface, but it takes" in capsys.readouterr().err


def test_the_licence_of_a_published_file_is_shown_and_of_no_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = published(tmp_path / "ghost_1.onnx", "ghost", STYLES["legacy, opset 11"])
    add = ["models", "add", str(path), "--answer", "r100"]
    assert main([*add, "--name", "unknown"]) == 0
    assert "freely" not in capsys.readouterr().err
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(known_files.KNOWN, sha256, known_files.GHOST)
    assert main([*add, "--name", "known"]) == 0
    assert "Licence: Apache-2.0. GHOST may be used freely" in capsys.readouterr().err


def test_what_is_set_of_a_model_is_printed_and_kept(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["models", "add", str(dfm_network(tmp_path / "face.dfm"))]) == 0
    capsys.readouterr()
    assert main(["models", "set", "face", "face_type=head", "vertical_offset=-0.5"]) == 0
    assert capsys.readouterr().out.splitlines() == ["template=dfl_whole_face", "coverage=3.2", "vertical_offset=-0.5"]
    extent = printed(capsys, "info", "face")["network"]["crop"]["extent"]
    assert extent == {"coverage": 3.2, "vertical_offset": -0.5, "follows_yaw": True}
    assert printed(capsys, "set", "face", "face_type=whole_face")["coverage"] == 2.2
    assert main(["models", "set", "face", "coverage=wide"]) == 2
    assert "coverage takes a number" in capsys.readouterr().err
    assert main(["models", "set", "nobody", "coverage=2"]) == 1
