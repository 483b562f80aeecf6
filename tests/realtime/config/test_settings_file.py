"""A settings file that is saved while a session runs: what changed in it is asked for, and nothing else."""

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from mien.config.settings import load_settings
from mien.config.settings_file import SettingsFileClient


class Asked:
    """Keeps what was asked for; refuses it while `refuses` is set."""

    def __init__(self) -> None:
        self.changes: list[dict[str, object]] = []
        self.refuses = False
        self.came = threading.Event()

    def __call__(self, values: Mapping[str, object]) -> bool:
        self.changes.append(dict(values))
        self.came.set()
        return not self.refuses


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mien.toml"
    path.write_text('colour = "mkl"\nshape = 0.5\n', encoding="utf-8")
    return path


def client(file: Path, asked: Asked) -> SettingsFileClient:
    return SettingsFileClient({}, file, load_settings({}, file), asked)


def test_only_what_was_changed_in_the_file_is_asked_for_so_that_nothing_else_is_taken_back(file: Path) -> None:
    asked = Asked()
    watching = client(file, asked)
    file.write_text('colour = "none"\nshape = 0.5\n', encoding="utf-8")
    watching.look()
    file.write_text('colour = "none"\nshape = 0.7\n[policy]\nlost = "blur"\n', encoding="utf-8")
    watching.look()
    watching.look()
    assert [sorted(change) for change in asked.changes] == [["colour"], ["policy.lost", "shape"]]
    assert asked.changes[0]["colour"] == "none"
    assert asked.changes[1]["shape"] == 0.7


def test_a_broken_file_is_said_and_what_stands_in_it_is_asked_for_once_it_is_mended(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = Asked()
    watching = client(file, asked)
    file.write_text('colour = "none"\nshape = \n', encoding="utf-8")
    watching.look()
    assert asked.changes == []
    assert "Nothing is changed" in caplog.text
    file.write_text('colour = "none"\nshape = 0.5\n', encoding="utf-8")
    watching.look()
    assert asked.changes == [{"colour": "none"}]


def test_what_was_refused_is_asked_for_again_with_the_next_save(file: Path) -> None:
    asked = Asked()
    watching = client(file, asked)
    asked.refuses = True
    file.write_text('colour = "none"\nshape = 0.5\nsize = "640x480"\n', encoding="utf-8")
    watching.look()
    assert sorted(asked.changes[-1]) == ["colour", "size"]
    asked.refuses = False
    file.write_text('colour = "none"\nshape = 0.5\n', encoding="utf-8")
    watching.look()
    assert asked.changes[-1] == {"colour": "none"}


def test_a_save_is_noticed_also_where_an_editor_puts_another_file_in_its_place(file: Path) -> None:
    asked = Asked()
    with client(file, asked):
        for colour in ("none", "reinhard_lab", "mean_std", "histogram", "none", "mkl", "none"):
            other = file.with_name("new.toml")
            other.write_text(f'colour = "{colour}"\nshape = 0.5\n', encoding="utf-8")
            other.replace(file)
            if asked.came.wait(5):  # the watcher needs a moment to begin
                break
    assert asked.changes
