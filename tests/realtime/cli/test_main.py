"""The edge of the program: exit statuses and sentences."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.outbound import command_names
from typer.main import get_command

from mien.cli.app import app
from mien.cli.main import main
from mien_export.cli.app import app as exporters_app
from mien_export.cli.main import main as exporters_main
from mien_models.errors import PhotoError, UsageError


def _fails_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def load_settings(*_: object) -> None:
        raise error

    monkeypatch.setattr("mien.config.settings_file.load_settings", load_settings)


def test_help_names_every_command_and_the_first_thing_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "mien run --face photo.jpg" in text
    assert "  run " in text


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mien {version('mien')}\n"


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from mien.cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stderr.split())
    heavy = {"numpy", "cv2", "av", "onnxruntime", "ai_edge_litert", "pygame", "skimage", "pydantic", "rich.markdown"}
    assert not modules & heavy


def test_the_module_runs_as_the_command_does() -> None:
    done = subprocess.run([sys.executable, "-m", "mien", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"mien {version('mien')}\n"


@pytest.mark.parametrize(
    ("words", "what"),
    [(["walk"], "No such command"), (["run", "--fast"], "No such option"), (["run", "--seconds", "soon"], "--seconds")],
)
def test_wrong_usage_is_exit_2(capsys: pytest.CaptureFixture[str], words: list[str], what: str) -> None:
    assert main(words) == 2
    assert what in capsys.readouterr().err


def test_a_failure_is_one_sentence_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fails_with(monkeypatch, PhotoError("No face was found in 'a.jpg'; take another."))
    assert main(["run"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == "mien: No face was found in 'a.jpg'; take another.\n"


def test_a_usage_error_of_ours_is_exit_2(monkeypatch: pytest.MonkeyPatch) -> None:
    _fails_with(monkeypatch, UsageError("No."))
    assert main(["run"]) == 2


def test_debug_shows_the_traceback_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    _fails_with(monkeypatch, PhotoError("No."))
    for words in (["--debug", "run"], ["run", "--debug"]):
        with pytest.raises(PhotoError):
            main(words)
    monkeypatch.setenv("MIEN_DEBUG", "1")
    with pytest.raises(PhotoError):
        main(["run"])


def test_a_fault_of_our_own_is_one_sentence_and_a_log_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("MIEN_STATE_DIR", str(tmp_path / "state"))
    _fails_with(monkeypatch, KeyError("colour"))
    assert main(["run", "--camera", "0"]) == 1
    (log,) = (tmp_path / "state" / "crashes").iterdir()
    sentence = capsys.readouterr().err
    assert sentence.count("\n") == 1
    assert str(log) in sentence
    assert "Traceback" not in sentence
    details = log.read_text()
    assert "Traceback" in details
    assert "run --camera 0" in details


PROGRAMS = {"mien": (app, main), "mien-export": (exporters_app, exporters_main)}
COMMANDS = [(program, name) for program, (its, _) in PROGRAMS.items() for name in command_names(get_command(its))]


@pytest.mark.parametrize(("program", "name"), COMMANDS)
def test_a_fault_in_any_command_is_one_sentence_and_a_file(
    program: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("typer.core.TyperCommand.parse_args", fail)
    assert PROGRAMS[program][1](name.split()) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"{program}: Mien is at fault (ZeroDivisionError: by nothing). The details are in")
    assert output.err.count("\n") == 1


def test_an_installation_that_is_damaged_is_one_sentence_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mien.cli.app", None)
    assert main(["run"]) == 1
    assert "Mien is at fault (ModuleNotFoundError: import of mien.cli.app halted" in capsys.readouterr().err


def test_processes_that_tests_start_are_in_pythons_development_mode() -> None:
    code = "import faulthandler, sys; print(sys.flags.dev_mode, faulthandler.is_enabled())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_ctrl_c_is_exit_130_without_a_word_too_many(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fails_with(monkeypatch, KeyboardInterrupt())
    assert main(["run"]) == 130
    assert capsys.readouterr().err == ""
