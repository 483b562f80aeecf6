"""A session's lines say whose face and which state, are found again by the mark's digits, and never stop a run."""

import logging
from pathlib import Path

import pytest

from mien.journal.journal import Journal
from mien.journal.session import Opening, SessionLog, what_is_known
from mien.live.plan import EventKind, LiveEvent
from mien.report import MemoryUse, Report
from mien_models.errors import MienError

REPORT = Report(9, 7, 9, 0, 0, None, {}, None, None, None, MemoryUse(1, 1, 1), {}, (), {})


def opening(session: str = "12ab34") -> Opening:
    return Opening(session, "run", ("anna",), ("granted",), "on", "files", "mesh", ("nowhere",), {"net": "0" * 64}, "1")


def test_a_session_is_found_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for session in ("12ab34", "ffffff"):
        log = SessionLog(journal, opening(session))
        log.begin()
        log.hear(LiveEvent(0.1, EventKind.STATE, "LIVE: now"))
        log.hear(LiveEvent(0.1, EventKind.SOURCE, "rtsp://name:secret@camera"))
        log.end(REPORT, MienError("the camera went") if session == "ffffff" else None)
    known = what_is_known(journal, "12ab34")
    assert known is not None
    assert (known["faces"], known["consents"], known["frames_swapped"]) == (["anna"], ["granted"], 7)
    assert what_is_known(journal, "000000") is None
    kinds = [entry.kind for entry in journal.entries() if entry.session == "12ab34"]
    assert kinds == ["start", "face", "label", "output", "models", "state", "stop"]
    assert "secret" not in journal.path.read_text()


def test_a_session_that_was_killed_has_no_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    SessionLog(journal, opening()).begin()
    known = what_is_known(journal, "12ab34")
    assert known is not None
    assert known["ended"] is None


def test_a_log_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    log = SessionLog(Journal(tmp_path / "file"), opening())
    with caplog.at_level(logging.WARNING):
        log.begin()
        log.end(REPORT)
    assert len(caplog.records) == 1


def test_a_session_of_endless_changes_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.journal.session._MOST_ENTRIES", 8)
    journal = Journal(tmp_path)
    log = SessionLog(journal, opening())
    log.begin()
    for _ in range(20):
        log.hear(LiveEvent(0.1, EventKind.STATE, "LIVE: again"))
    log.end(REPORT)
    kinds = [entry.kind for entry in journal.entries()]
    assert kinds[-1] == "stop"
    assert len(kinds) == 9
