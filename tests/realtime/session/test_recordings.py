"""Recordings are begun, carried on in another file and ended while a session runs."""

from pathlib import Path

import pytest
from tests.realtime.panel.panel_rig import wait_until
from tests.realtime.session.test_live_session import Running

from mien.pipeline.events import RecordingSplit
from mien.session.messages import RecordAction
from mien.session.recordings import record
from mien_models.errors import MienError, UsageError


@pytest.fixture(autouse=True)
def _films(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_videos_path", lambda: tmp_path)


def test_a_recording_is_begun_parted_and_ended(tmp_path: Path) -> None:
    run = Running(microphone="synthetic")
    try:
        session = run.session
        with pytest.raises(UsageError, match="Nothing is recorded"):
            record(session, RecordAction.SPLIT, None)
        with pytest.raises(MienError, match="does not exist"):
            record(session, RecordAction.START, str(tmp_path / "missing" / "a.mp4"))
        (first,) = record(session, RecordAction.START, None)
        assert Path(first).parent == tmp_path / "Mien"
        with pytest.raises(UsageError, match="recording already"):
            record(session, RecordAction.START, None)
        run.wait_for_frames(15)
        (second,) = record(session, RecordAction.SPLIT, None)
        run.wait_for_frames(40)
        assert record(session, RecordAction.STOP, None) == (first,)
        assert list(session.status().outputs) == ["null"]
        with pytest.raises(UsageError, match="Nothing is recorded"):
            record(session, RecordAction.STOP, None)
    finally:
        run.end()
    wait_until(lambda: sorted(map(str, (tmp_path / "Mien").iterdir())) == sorted((first, second)))
    facts = []
    while (event := run.events.get(0)) is not None:
        facts.append(event.fact)
    assert RecordingSplit(f"video file {first}", second) in facts


def test_a_file_is_named_only_to_start(tmp_path: Path) -> None:
    run = Running()
    try:
        with pytest.raises(UsageError, match="to start a recording, not to split one"):
            record(run.session, RecordAction.SPLIT, str(tmp_path / "a.mp4"))
    finally:
        run.end()
    assert list(tmp_path.iterdir()) == []
