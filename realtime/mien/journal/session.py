"""What one session leaves in the log: its beginning, faces, label, states, outputs and end; never a picture."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mien.journal.chain import Fields
from mien.journal.journal import Journal, JournalError
from mien.live.plan import EventKind, LiveEvent
from mien.report import Report
from mien_models.errors import MienError

_LOG = logging.getLogger(__name__)
_MOST_ENTRIES: Final = 5000
"""Of one session: about 1.5 MB, a change of state a second for more than an hour."""

_WRITTEN: Final = frozenset({EventKind.STATE, EventKind.SINK, EventKind.CHANGE})


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of a session when it begins."""

    session: str
    """Six hexadecimal digits, those of the mark."""
    command: str
    """'run' or 'swap'."""
    faces: tuple[str, ...]
    """By name where they stand in the faces library, else 'photo'."""
    consents: tuple[str, ...]
    label: str
    content_gate: str
    swapper: str
    outputs: tuple[str, ...]
    models: Mapping[str, str]
    """SHA-256 of each network that may run, by its name."""
    version: str


class SessionLog:
    """Writes one session's lines and never fails: what cannot be written is said once, and the log goes quiet."""

    def __init__(self, journal: Journal, opening: Opening) -> None:
        self._journal = journal
        self._opening = opening
        self._written = 0
        self._is_quiet = False

    def begin(self) -> None:
        """Write what is known at the beginning."""
        opening = self._opening
        self._write("start", {"command": opening.command, "version": opening.version, "swapper": opening.swapper})
        self._write("face", {"names": list(opening.faces), "consents": list(opening.consents)})
        self._write("label", {"mode": opening.label, "content_gate": opening.content_gate})
        self._write("output", {"to": list(opening.outputs)})
        self._write("models", {"sha256": dict(opening.models)})

    def hear(self, event: LiveEvent) -> None:
        """Write changes of state, outputs that come or go, changes of what is worn; the rest is not for the log."""
        if event.kind in _WRITTEN:
            self._write(event.kind.value, {"said": event.text})

    def end(self, report: Report, error: MienError | None = None) -> None:
        """Write how it ended, and how many frames were swapped."""
        why = "done" if error is None else str(error)
        self._write("stop", {"frames_swapped": report.frames_swapped, "why": why}, is_last=True)

    def _write(self, kind: str, fields: Fields, *, is_last: bool = False) -> None:
        if self._is_quiet or (self._written >= _MOST_ENTRIES and not is_last):
            return
        self._written += 1
        try:
            self._journal.append(kind, self._opening.session, fields)
        except JournalError as error:
            self._is_quiet = True
            _LOG.warning("This session is not in the local log any more: %s", error)


def what_is_known(journal: Journal, session: str) -> dict[str, object] | None:
    """Put together what the log knows of a session; None when it knows nothing.

    Several sessions can have drawn the same six digits; the latest counts.
    """
    known: dict[str, object] | None = None
    for entry in journal.entries():
        if entry.session != session:
            continue
        if entry.kind == "start":
            known = {"started": entry.at, "command": entry.fields.get("command"), "ended": None}
        elif known is not None and entry.kind == "face":
            known |= {"faces": entry.fields.get("names"), "consents": entry.fields.get("consents")}
        elif known is not None and entry.kind == "stop":
            known |= {"ended": entry.at, "frames_swapped": entry.fields.get("frames_swapped")}
    return known
