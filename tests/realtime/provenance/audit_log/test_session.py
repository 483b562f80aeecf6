"""A session's lines say whose face and which state, are found again by the mark's digits, and never stop a run."""

import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from mien.pipeline.events import Event, SourceOpened, StateChanged
from mien.pipeline.frame import State
from mien.pipeline.report import MemoryUse, Report
from mien.provenance.audit_log.log import AuditLog
from mien.session.audit import Opening, SessionLog, what_is_known
from mien_models.errors import MienError, PhotoError

REPORT = Report(9, 7, 9, 0, 0, None, {}, None, None, None, MemoryUse(1, 1, 1), {}, (), {})


def opening(session: str = "12ab34") -> Opening:
    return Opening(session, "run", ("anna",), ("granted",), "on", "files", "mesh", ("nowhere",), {"net": "0" * 64}, "1")


def test_a_session_is_found_again(tmp_path: Path) -> None:
    audit_log = AuditLog(tmp_path)
    for session in ("12ab34", "ffffff"):
        log = SessionLog(audit_log, opening(session))
        log.begin()
        log.hear(Event(0.1, StateChanged(State.LIVE, "now")))
        log.hear(Event(0.1, SourceOpened("rtsp://name:secret@camera")))
        log.end(REPORT, MienError("the camera went") if session == "ffffff" else None)
    known = what_is_known(audit_log, "12ab34")
    assert known is not None
    assert (known["faces"], known["consents"], known["frames_swapped"]) == (["anna"], ["granted"], 7)
    assert what_is_known(audit_log, "000000") is None
    kinds = [entry.kind for entry in audit_log.entries() if entry.session == "12ab34"]
    assert kinds == ["start", "face", "label", "output", "models", "state", "stop"]
    assert "secret" not in audit_log.path.read_text()


def test_a_session_that_was_killed_has_no_end(tmp_path: Path) -> None:
    audit_log = AuditLog(tmp_path)
    SessionLog(audit_log, opening()).begin()
    known = what_is_known(audit_log, "12ab34")
    assert known is not None
    assert known["ended"] is None


def test_whatever_ends_a_session_has_one_line_that_says_so(tmp_path: Path) -> None:
    endings: list[tuple[BaseException, str]] = [
        (MienError("The film looks intimate."), "The film looks intimate."),
        (PhotoError("No face was found in '/home/me/secret photo.jpg'; take another."), "No face was found in '…'"),
        (KeyboardInterrupt(), "it was stopped by Ctrl-C"),
        (SystemExit(128 + signal.SIGTERM), "it was stopped by the signal SIGTERM"),
        (ZeroDivisionError("secret"), "Mien is at fault (ZeroDivisionError)"),
    ]
    for number, (error, why) in enumerate(endings):
        audit_log = AuditLog(tmp_path / str(number))
        with pytest.raises(type(error)), SessionLog(audit_log, opening()).lasting():
            raise error
        last = list(audit_log.entries())[-1]
        assert last.kind == "stop"
        assert str(last.fields["why"]).startswith(why)
        assert last.fields["frames_swapped"] == 0
        assert "secret" not in audit_log.path.read_text(encoding="utf-8")
        assert not list((tmp_path / str(number)).glob("running-*"))


def test_an_end_that_was_written_stays_the_only_one(tmp_path: Path) -> None:
    audit_log = AuditLog(tmp_path)
    log = SessionLog(audit_log, opening())

    def fail_after_the_end() -> None:
        with log.lasting():
            log.end(REPORT)
            raise OSError("the report cannot be written")

    with pytest.raises(OSError, match="report"):
        fail_after_the_end()
    stops = [entry for entry in audit_log.entries() if entry.kind == "stop"]
    assert [entry.fields["why"] for entry in stops] == ["done"]


_A_SESSION_THAT_IS_KILLED: Final = """
import os, signal, sys
from pathlib import Path
from mien.provenance.audit_log.log import AuditLog
from mien.session.audit import Opening, SessionLog

opening = Opening("aaaaaa", "run", (), (), "on", "files", "mesh", (), {}, "1")
log = SessionLog(AuditLog(Path(sys.argv[1])), opening)
log.begin()
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
print("begun", flush=True)
sys.stdin.read()
"""


def test_the_next_session_takes_down_that_one_was_killed(tmp_path: Path) -> None:
    audit_log, script = AuditLog(tmp_path / "log"), tmp_path / "session.py"
    script.write_text(_A_SESSION_THAT_IS_KILLED)
    subprocess.run([sys.executable, str(script), str(tmp_path / "log"), "killed"], check=False)
    assert [entry.kind for entry in audit_log.entries()][-1] == "models"
    for _ in range(2):
        log = SessionLog(audit_log, opening("ffffff"))
        log.begin()
        log.end(REPORT)
    stops = [entry for entry in audit_log.entries() if entry.kind == "stop" and entry.session == "aaaaaa"]
    assert len(stops) == 1
    assert "without a word" in str(stops[0].fields["why"])
    known = what_is_known(audit_log, "aaaaaa")
    assert known is not None
    assert known["ended"] is None, "nobody knows when"
    assert audit_log.examine().is_whole


def test_a_session_that_still_runs_is_left_alone(tmp_path: Path) -> None:
    audit_log, script = AuditLog(tmp_path / "log"), tmp_path / "session.py"
    script.write_text(_A_SESSION_THAT_IS_KILLED)
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "log"), "lives"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "begun\n"
        audit_log.end_gone()
        assert not [entry for entry in audit_log.entries() if entry.kind == "stop"]
        other.kill()
        other.wait()
    audit_log.end_gone()
    assert [entry.session for entry in audit_log.entries() if entry.kind == "stop"] == ["aaaaaa"]


def test_a_log_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    log = SessionLog(AuditLog(tmp_path / "file"), opening())
    with caplog.at_level(logging.WARNING):
        log.begin()
        log.end(REPORT)
    assert len(caplog.records) == 1


def test_a_session_of_endless_changes_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.session.audit._MOST_ENTRIES", 8)
    audit_log = AuditLog(tmp_path)
    log = SessionLog(audit_log, opening())
    log.begin()
    for _ in range(20):
        log.hear(Event(0.1, StateChanged(State.LIVE, "again")))
    log.end(REPORT)
    kinds = [entry.kind for entry in audit_log.entries()]
    assert kinds[-1] == "stop"
    assert len(kinds) == 9
