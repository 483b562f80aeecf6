"""However a command of the exporter fails, it ends in one sentence, as those of `mien` do."""

import pytest
import typer
from tests.outbound import command_names

from mien_export.cli.app import app
from mien_export.cli.main import main


@pytest.mark.parametrize("name", list(command_names(typer.main.get_command(app))))
def test_a_fault_in_any_command_is_one_sentence_and_a_file(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("typer.core.TyperCommand.parse_args", fail)
    assert main(name.split()) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("mien-export: Mien is at fault (ZeroDivisionError: by nothing). The details are in")
    assert output.err.count("\n") == 1


def test_ctrl_c_is_exit_130_and_wrong_usage_2(monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["bench"]) == 2

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("typer.core.TyperCommand.parse_args", interrupted)
    assert main(["bench"]) == 130
