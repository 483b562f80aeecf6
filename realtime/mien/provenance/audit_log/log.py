"""The log's files: lines are added one by one, under a lock, and nothing that was written is lost to damage."""

import json
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from mien.provenance.audit_log.chain import ANCHOR, BEGINNING, Entry, Fault, Fields, first_fault, parsed
from mien.provenance.audit_log.presence import Presence, gone
from mien_models.errors import MienError
from mien_models.system.atomic_write import write_private
from mien_models.system.causes import advice_for, cause_of
from mien_models.system.json_text import json_object, whole_number

LOG_NAME: Final = "log.jsonl"
START: Final = "start"
STOP: Final = "stop"
"""The kinds of a session's first and last line."""
_HEAD_NAME: Final = "head.json"
_LOCK_NAME: Final = "lock"
_LOCK_S: Final = 5.0
_LONGEST_LINE: Final = 64 * 1024
_GONE: Final = "it ended without a word: it was killed, it crashed or the power went"


class AuditLogError(MienError):
    """The log cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What `mien log verify` found."""

    entries: int
    fault: Fault | None
    """The first break of the log; None when it is whole."""
    cut_off: int
    """How many lines are missing at the end."""
    damaged_files: tuple[str, ...]
    """Earlier logs that were found damaged and put aside."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing and nothing was changed."""
        return self.fault is None and self.cut_off == 0 and not self.damaged_files


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AuditLog:
    """The log in a folder. Several programs may write at once; each line is on the disk when `append` returns."""

    def __init__(self, folder: Path, now: Callable[[], datetime] = _utc_now) -> None:
        self._folder = folder
        self._now = now

    @property
    def path(self) -> Path:
        """The file of lines; it may not exist yet."""
        return self._folder / LOG_NAME

    def append(self, kind: str, session: str | None = None, fields: Fields | None = None) -> Entry:
        """Add a line behind the last one; a damaged log is put aside first and followed by a new one.

        Raises:
            AuditLogError: the disk is full, read-only, or another program holds the lock.
        """
        with self._locked():
            return self._append(kind, session, fields or {})

    def begin(self, session: str, fields: Fields) -> Presence:
        """Add the first line of a session, after the last lines of those whose programs are gone.

        Returns:
            What says that the session runs; whoever adds its last line ends it.

        Raises:
            AuditLogError: see `append`.
        """
        with self._locked():
            self._end_gone()
            return Presence(self._folder, session, self._append(START, session, fields).sequence)

    def end_gone(self) -> None:
        """Add the last line of each session whose program is gone: killed, crashed, or without power.

        Raises:
            AuditLogError: see `append`.
        """
        with self._locked():
            self._end_gone()

    def entries(self) -> Iterator[Entry]:
        """Give the lines that can be read, oldest first; of damaged ones nothing."""
        for line in self._lines():
            try:
                yield parsed(line)
            except ValueError:
                continue

    def examine(self) -> Examination:
        """Follow the whole chain."""
        with self._locked():
            lines = list(self._lines())
            fault = first_fault(lines)
            last = -1 if fault is not None or not lines else parsed(lines[-1]).sequence
            head = self._head()
            cut_off = 0 if fault is not None or head is None else max(0, head[0] - last)
            return Examination(len(lines), fault, cut_off, tuple(path.name for path in self._damaged()))

    def purge(self, before: datetime | None) -> int:
        """Forget lines that are older than a moment, or all; an anchor keeps the chain, and the purge is logged.

        Returns:
            How many lines were forgotten.

        Raises:
            AuditLogError: the log is damaged and only a part should be forgotten, or the disk refuses.
        """
        with self._locked():
            lines = list(self._lines())
            if before is not None and first_fault(lines) is not None:
                raise AuditLogError("The log is damaged (`mien log verify`), so it can only be purged as a whole.")
            kept = [] if before is None else [line for line in lines if not _is_older(parsed(line), before)]
            # A clock that was set back must not tear a hole: what stands before a kept line is forgotten in one piece.
            forgotten = lines[: len(lines) - len(kept)]
            kept = lines[len(forgotten) :]
            for path in self._damaged() if before is None else ():
                path.unlink()
            if forgotten:
                self._rewrite(forgotten, kept)
            self._append("purge", None, {"forgotten": len(forgotten)})
            return len(forgotten)

    def _end_gone(self) -> None:
        for one in gone(self._folder):
            has_ended = any(
                entry.kind == STOP and entry.session == one.session and entry.sequence > one.sequence
                for entry in self.entries()
            )
            if not has_ended:
                self._append(STOP, one.session, {"why": _GONE})
            one.file.unlink(missing_ok=True)

    def _append(self, kind: str, session: str | None, fields: Fields) -> Entry:
        last = self._last_whole()
        sequence, previous = (-1, BEGINNING) if last is None else (last.sequence, last.sha256)
        if last is not None and last.kind == ANCHOR:
            previous = last.previous
        at = self._now().isoformat(timespec="seconds")
        if last is not None and at < last.at:
            fields = {**fields, "clock": f"set back; the line before is from {last.at}"}
        entry = Entry(sequence + 1, at, kind, previous, session, fields)
        self._write_line(entry)
        return entry

    def _last_whole(self) -> Entry | None:
        """Give the last line; where the log's end is damaged or missing, put it aside and begin anew."""
        head = self._head()
        if not self.path.exists():
            return None if head is None else self._begin_anew(head, "the log was removed")
        line = _last_line(self.path)
        try:
            last = parsed(line) if line else None
        except ValueError as error:
            return self._begin_anew(head, f"the last line was damaged: {error}")
        if head is not None and (last is None or last.sequence < head[0]):
            return self._begin_anew(head, "lines at the end were missing")
        return last

    def _begin_anew(self, head: tuple[int, str] | None, why: str) -> Entry:
        if self.path.exists():
            number = 1 + len(self._damaged())
            self.path.rename(self._folder / f"damaged-{number}.jsonl")
        sequence, sha256 = head or (0, BEGINNING)
        anchor = Entry(sequence, self._now().isoformat(timespec="seconds"), ANCHOR, sha256, None, {"why": why})
        self._write_line(anchor, is_head=False)
        return anchor

    def _write_line(self, entry: Entry, *, is_head: bool = True) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            _append_whole(file, f"{entry.line()}\n".encode("utf-8", "replace"))
        if is_head:
            head = json.dumps({"sequence": entry.sequence, "sha256": entry.sha256})
            write_private(self._folder / _HEAD_NAME, head.encode(), is_alone=True)

    def _rewrite(self, forgotten: list[str], kept: list[str]) -> None:
        try:
            last = parsed(forgotten[-1])
            sequence, sha256 = last.sequence, last.previous if last.kind == ANCHOR else last.sha256
        except ValueError:
            sequence, sha256 = self._head() or (0, BEGINNING)
        why = f"{len(forgotten)} lines were purged"
        anchor = Entry(sequence, self._now().isoformat(timespec="seconds"), ANCHOR, sha256, None, {"why": why})
        lines = "".join(f"{line}\n" for line in (anchor.line(), *kept))
        write_private(self._folder / LOG_NAME, lines.encode("utf-8", "replace"), is_alone=True)

    def _lines(self) -> Iterator[str]:
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    yield line.rstrip("\n")
        except FileNotFoundError:
            return

    def _head(self) -> tuple[int, str] | None:
        try:
            head = json_object((self._folder / _HEAD_NAME).read_text(encoding="utf-8"))
            return whole_number(head["sequence"]), str(head["sha256"])
        except (OSError, KeyError, ValueError):
            return None

    def _damaged(self) -> list[Path]:
        return sorted(self._folder.glob("damaged-*.jsonl"))

    @contextmanager
    def _locked(self) -> Generator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._folder / _LOCK_NAME, timeout=_LOCK_S, mode=0o600):
                yield
        except Timeout as error:
            raise AuditLogError(f"Another program has held the log in {str(self._folder)!r} for 5 s.") from error
        except OSError as error:
            raise AuditLogError(
                f"The log in {str(self._folder)!r} cannot be used: {cause_of(error)}. {advice_for(error)}"
            ) from error


def _append_whole(file: FileIO, content: bytes) -> None:
    """Append all or nothing: what a full disk takes of a line would count as damage to the log."""
    before = file.seek(0, os.SEEK_END)
    left = memoryview(content)
    try:
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    except OSError:
        file.truncate(before)
        raise


def _is_older(entry: Entry, moment: datetime) -> bool:
    try:
        return datetime.fromisoformat(entry.at) < moment
    except (ValueError, TypeError):  # no date, or one without its zone
        return True


def _last_line(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LONGEST_LINE))
        tail = file.read()
    if not tail:
        return ""
    # A line without its end was cut off while it was written: it counts as damaged, even if it can be read.
    return tail.decode("utf-8", "replace").split("\n")[-2] if tail.endswith(b"\n") else "cut off"
