"""However a command of the exporter fails, it ends in one sentence, as those of `mien` do."""

import pytest

from mien_export.cli.main import main


def test_ctrl_c_is_exit_130_and_wrong_usage_2(monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["bench"]) == 2

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("typer.core.TyperCommand.parse_args", interrupted)
    assert main(["bench"]) == 130
