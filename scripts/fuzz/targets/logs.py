"""The local log: the file of lines and, behind a zero byte, the file that names the last one."""

import contextlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from mien.cli.log import show
from mien.pipeline.events import Event, StateChanged
from mien.pipeline.frame import State
from mien.pipeline.report import MemoryUse, Report
from mien.provenance.audit_log.log import LOG_NAME, AuditLog
from mien.session.audit import Opening, SessionLog, local_audit_log, what_is_known

_REPORT: Final = Report(9, 7, 9, 0, 0, None, {}, None, None, None, MemoryUse(1, 1, 1), {}, (), {})
_HEAD: Final = "head.json"


class _Logs:
    tokens = (
        b'"sequence"',
        b'"at"',
        b'"kind"',
        b'"anchor"',
        b'"previous"',
        b'"session"',
        b'"fields"',
        b"null",
        b"1e999",
        b"\\ud800",
        b"[" * 20,
    )

    def seeds(self) -> Sequence[bytes]:
        with TemporaryDirectory() as made:
            folder = Path(made)
            audit_log = AuditLog(folder)
            found = [self._content(folder, audit_log, ends=False), self._content(folder, audit_log, ends=True)]
            audit_log.purge(datetime(1999, 1, 1, tzinfo=UTC))
            audit_log.append("state", "12ab34", {"said": "LIVE"})
            found.append(_packed(folder))
            audit_log.purge(None)
            found.append(_packed(folder))
        return found

    def _content(self, folder: Path, audit_log: AuditLog, *, ends: bool) -> bytes:
        opening = Opening("12ab34", "run", ("anna",), ("granted",), "on", "files", "mesh", ("x",), {"n": "0" * 64}, "1")
        log = SessionLog(audit_log, opening)
        log.begin()
        log.hear(Event(0.1, StateChanged(State.LIVE, "now")))
        if ends:
            log.end(_REPORT)
        return _packed(folder)

    def run(self, content: bytes, folder: Path) -> None:
        lines, _, head = content.partition(b"\0")
        audit_log = local_audit_log()
        state = audit_log.path.parent
        state.mkdir(parents=True, exist_ok=True)
        for file in state.iterdir():
            file.unlink()
        (state / LOG_NAME).write_bytes(lines)
        (state / _HEAD).write_bytes(head)
        list(audit_log.entries())
        audit_log.examine()
        what_is_known(audit_log, "12ab34")
        for is_json in (False, True):
            with contextlib.suppress(SystemExit, RuntimeError), contextlib.redirect_stdout(io.StringIO()):
                show(as_json=is_json, last=40, session=None)
        audit_log.append("state", "12ab34", {"said": "after the damage"})
        assert list(audit_log.entries())[-1].fields["said"] == "after the damage"
        audit_log.end_gone()
        audit_log.purge(None)
        assert audit_log.examine().is_whole


def _packed(folder: Path) -> bytes:
    return (folder / LOG_NAME).read_bytes() + b"\0" + (folder / _HEAD).read_bytes()


TARGET: Final = _Logs()
