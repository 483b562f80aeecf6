"""The log tells every change of a line, every exchange and every cut, and nothing that was written is lost."""

import json
import multiprocessing
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.provenance.audit_log.chain import ANCHOR, BEGINNING, Entry, first_fault
from mien.provenance.audit_log.log import AuditLog, AuditLogError

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Clock:
    """Goes on by a minute whenever it is read."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def audit_log(tmp_path: Path) -> AuditLog:
    audit_log = AuditLog(tmp_path / "sessions", Clock())
    for number in range(5):
        audit_log.append("state", "00ff00", {"said": f"LIVE {number}"})
    return audit_log


def chain(count: int) -> list[str]:
    lines: list[str] = []
    previous = BEGINNING
    for sequence in range(count):
        entry = Entry(sequence, NOON.isoformat(), "state", previous, None, {"said": str(sequence)})
        lines.append(entry.line())
        previous = entry.sha256
    return lines


@given(count=st.integers(2, 8), data=st.data())
def test_no_two_lines_can_be_exchanged_left_out_or_doubled(count: int, data: st.DataObject) -> None:
    lines = chain(count)
    assert first_fault(lines) is None
    places = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=count + 1))
    changed = [lines[place] for place in places]
    if changed != lines[: len(changed)]:
        assert first_fault(changed) is not None


@given(place=st.integers(0, 2), value=st.text(max_size=5))
def test_no_field_can_be_changed(place: int, value: str) -> None:
    lines = chain(3)
    contents = json.loads(lines[place])
    contents["fields"]["said"] = value
    lines[place] = json.dumps(contents)
    fault = first_fault(lines)
    assert (fault is None) == (value == str(place))
    assert fault is None or fault.line == place + 1


def test_a_whole_log_is_whole_and_only_for_its_owner(audit_log: AuditLog) -> None:
    found = audit_log.examine()
    assert found.is_whole
    assert found.entries == 5
    assert stat.S_IMODE(audit_log.path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in audit_log.path.parent.iterdir()} == {0o600}


def removed_file(path: Path) -> None:
    path.unlink()


def without_end(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def other_bytes(path: Path) -> None:
    path.write_bytes(b"\xff\x00\n" * 3)


@pytest.mark.parametrize("damage", [removed_file, without_end, torn, other_bytes])
def test_damage_is_told_and_the_next_session_is_written_all_the_same(
    audit_log: AuditLog, damage: Callable[[Path], None]
) -> None:
    damage(audit_log.path)
    assert not audit_log.examine().is_whole
    kept = audit_log.path.read_bytes() if audit_log.path.exists() else None
    audit_log.append("start", "abcdef")
    audit_log.append("stop", "abcdef")
    found = audit_log.examine()
    assert found.fault is None
    assert found.cut_off == 0
    assert [entry.kind for entry in audit_log.entries()] == [ANCHOR, "start", "stop"]
    assert [entry.sequence for entry in audit_log.entries()] == [4, 5, 6]
    if kept is not None:
        assert found.damaged_files == ("damaged-1.jsonl",)
        assert (audit_log.path.parent / "damaged-1.jsonl").read_bytes() == kept
        assert not found.is_whole


def test_a_line_that_was_written_before_the_program_was_killed_counts(audit_log: AuditLog) -> None:
    head = audit_log.path.parent / "head.json"
    before = head.read_bytes()
    audit_log.append("state")
    head.write_bytes(before)
    assert audit_log.examine().is_whole
    audit_log.append("state")
    assert audit_log.examine().is_whole


def test_a_part_is_forgotten_and_the_rest_is_still_a_chain(audit_log: AuditLog) -> None:
    assert audit_log.purge(NOON + timedelta(minutes=3)) == 2
    assert [entry.kind for entry in audit_log.entries()] == [ANCHOR, "state", "state", "state", "purge"]
    assert audit_log.examine().is_whole
    assert "LIVE 1" not in audit_log.path.read_text()
    lines = audit_log.path.read_text().splitlines(keepends=True)
    audit_log.path.write_text("".join([lines[0], *lines[2:]]))
    fault = audit_log.examine().fault
    assert fault is not None
    assert fault.line == 2


def test_everything_is_forgotten_twice(audit_log: AuditLog) -> None:
    assert audit_log.purge(None) == 5
    assert audit_log.purge(None) == 2
    assert [entry.kind for entry in audit_log.entries()] == [ANCHOR, "purge"]
    assert audit_log.examine().is_whole


def test_of_a_damaged_log_no_part_can_be_chosen(audit_log: AuditLog) -> None:
    audit_log.path.write_text(audit_log.path.read_text().replace("LIVE 2", "LIVE 9"))
    with pytest.raises(AuditLogError, match="damaged"):
        audit_log.purge(NOON)
    assert audit_log.purge(None) == 5
    assert audit_log.examine().is_whole


def test_a_clock_that_is_set_back_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    AuditLog(tmp_path, lambda: NOON).append("start")
    entry = AuditLog(tmp_path, lambda: NOON - timedelta(days=2)).append("start")
    assert "set back" in str(entry.fields["clock"])
    assert AuditLog(tmp_path).examine().is_whole


def test_a_purge_leaves_no_hole_where_the_clock_was_set_back(tmp_path: Path) -> None:
    clock = Clock()
    audit_log = AuditLog(tmp_path, clock)
    for days in (0, -10, 0):
        clock.now = NOON + timedelta(days=days)
        audit_log.append("start")
    AuditLog(tmp_path).purge(NOON - timedelta(days=1))
    assert AuditLog(tmp_path).examine().is_whole


def write_many(folder: Path, name: str) -> None:
    for number in range(20):
        AuditLog(folder).append("state", name, {"said": number})


def test_programs_that_write_at_once_make_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(tmp_path, f"00000{one}")) for one in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = AuditLog(tmp_path).examine()
    assert found.is_whole
    assert found.entries == 60


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditLogError, match="cannot be used"):
        AuditLog(tmp_path / "file").append("start")
