"""`mien doctor` prints its table or JSON, and its exit status says whether Mien works."""

import json
from collections.abc import Iterator

import pytest

from mien.cli.main import main
from mien.diagnostics.doctor.checks import Check, Verdict

_FINE = Check("camera", Verdict.OK, "0 Laptop")
_ADVICE = Check("display", Verdict.ADVICE, "none", "Log in.")
_BROKEN = Check("opencv", Verdict.BROKEN, "2 at once", "Uninstall one.")


def _finds(monkeypatch: pytest.MonkeyPatch, *checks: Check) -> None:
    def examine() -> Iterator[Check]:
        yield from checks

    monkeypatch.setattr("mien.diagnostics.doctor.run.examine", examine)


def test_advice_alone_is_exit_0(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _finds(monkeypatch, _FINE, _ADVICE)
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "0 Laptop" in text
    assert "-> Log in." in text


def test_something_broken_is_exit_1_and_loud(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _finds(monkeypatch, _FINE, _BROKEN)
    assert main(["doctor"]) == 1
    assert "BROKEN" in capsys.readouterr().out


def test_a_program_gets_json_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _finds(monkeypatch, _FINE, _BROKEN)
    assert main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["is_healthy"] is False
    assert found["checks"][1] == {
        "name": "opencv",
        "verdict": "broken",
        "found": "2 at once",
        "advice": "Uninstall one.",
    }
