"""Long tests are left out only where the very same files passed them."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import unchanged


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Begin a repository with a file and a folder, which one group reads."""

    def run(*words: str) -> None:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / ".ci").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "one.py").write_text("1")
    (tmp_path / "two.py").write_text("2")
    monkeypatch.setattr(unchanged, "_NOTED", tmp_path / ".ci" / "passed.json")
    monkeypatch.setattr(unchanged, "GROUPS", {"long": ("folder", "two.py")})
    run("init")
    run("add", "-A")
    run("commit", "-m", "Begin")
    return run


def test_what_was_passed_counts_until_a_byte_changes(tmp_path: Path, git: Callable[..., None]) -> None:
    assert not unchanged.is_unchanged("long")
    unchanged.note("long")
    assert unchanged.is_unchanged("long")
    git("add", "-A")
    git("commit", "-m", "Something else")
    assert unchanged.is_unchanged("long")
    (tmp_path / "folder" / "one.py").write_text("3")
    assert not unchanged.is_unchanged("long"), "it is changed and not committed"
    git("commit", "-a", "-m", "Change it")
    assert not unchanged.is_unchanged("long")
    unchanged.note("long")
    assert unchanged.is_unchanged("long")


def test_a_new_file_counts_and_what_is_not_committed_is_not_noted(tmp_path: Path, git: Callable[..., None]) -> None:
    _ = git
    unchanged.note("long")
    (tmp_path / "folder" / "new.py").write_text("")
    assert not unchanged.is_unchanged("long")
    unchanged.note("long")
    assert not unchanged.is_unchanged("long")


def test_without_git_everything_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "_NOTED", tmp_path / ".ci" / "passed.json")
    assert not unchanged.is_unchanged("torch")
