"""`mien log`: what a swap leaves there, and what tampering does."""

import json
import shutil
from pathlib import Path

import pytest

from mien.cli.main import main
from mien.portrait import public_domain_portrait
from mien.witness import local_journal


@pytest.fixture(autouse=True)
def _after_a_swap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(public_domain_portrait(), "my secret name.png")
    words = ["swap", "--face", "my secret name.png", "--consent", "public-domain", "my secret name.png", "out.png"]
    assert main(words) == 0
    capsys.readouterr()


def test_a_swap_is_in_the_log_without_the_photos_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "show", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["kind"] for entry in entries] == ["start", "face", "label", "output", "models", "stop"]
    assert entries[1]["fields"] == {"consents": ["public-domain"], "names": ["photo"]}
    assert "secret" not in local_journal().path.read_text(encoding="utf-8")
    assert main(["log", "show", "--last", "1"]) == 0
    assert capsys.readouterr().out.count("\n") == 1


def test_a_marked_picture_is_matched_with_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "out.png", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    if not result["mark"]["session"]:
        pytest.skip("the mark of one picture did not say its session")
    assert result["mark"]["local_log"]["command"] == "swap"
    assert main(["verify", "out.png"]) == 0
    assert "own log has that session" in capsys.readouterr().out


def test_a_changed_line_is_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "verify"]) == 0
    path = local_journal().path
    path.write_text(path.read_text(encoding="utf-8").replace("public-domain", "self"), encoding="utf-8")
    assert main(["log", "verify"]) == 1
    assert "Line 2" in capsys.readouterr().err


def test_forgetting_has_to_be_confirmed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "purge"]) == 2
    assert main(["log", "purge", "--before", "yesterday"]) == 2
    assert "2026-11-24" in capsys.readouterr().err
    assert main(["log", "purge", "--yes"]) == 0
    assert "6 lines" in capsys.readouterr().err
    assert main(["log", "verify"]) == 0
