"""What one session leaves in the log: its beginning, faces, label, states, outputs and end; never a picture."""

import logging
import re
import signal
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from mien.pipeline.events import (
    Event,
    RecordingSplit,
    SettingsApplied,
    SinkFailed,
    SinkOpened,
    SinkRemoved,
    StateChanged,
)
from mien.pipeline.report import Report
from mien.provenance.audit_log.chain import Fields
from mien.provenance.audit_log.log import START, STOP, AuditLog, AuditLogError
from mien.provenance.audit_log.presence import Presence
from mien.session.options import Options
from mien.session.source_faces import SourceFaces
from mien.session.swappers import SWAPPERS, library
from mien.stages.marks import Marks
from mien_models.errors import MienError, ModelError
from mien_models.library.builtin import manifest_names, read_manifest
from mien_models.library.inspect import needed_networks
from mien_models.system import folders

_LOG = logging.getLogger(__name__)


_MOST_ENTRIES: Final = 5000
"""Of one session: about 1.5 MB, a change of state a second for more than an hour."""


_SIGNALLED: Final = 128
"""Added to a signal's number by convention, in the status of a program that it ended."""


_QUOTED_PATH: Final = re.compile(r"""(['"])[^'"]*[./\\][^'"]*\1""")


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
    """Writes one session's lines and never fails: what cannot be written is said once, and the log goes quiet.

    Has state: how much was written, and whether the session has ended. Whatever ends a session, one line says so; where
    its program is gone without one, the next session adds it.
    """

    def __init__(self, audit_log: AuditLog, opening: Opening) -> None:
        self._audit_log = audit_log
        self._opening = opening
        self._written = 0
        self._is_quiet = False
        self._has_ended = False
        self._presence: Presence | None = None

    def begin(self) -> None:
        """Write what is known at the beginning."""
        opening = self._opening
        self._attempt(self._begin)
        self._write("face", {"names": list(opening.faces), "consents": list(opening.consents)})
        self._write("label", {"mode": opening.label, "content_gate": opening.content_gate})
        self._write("output", {"to": list(opening.outputs)})
        self._write("models", {"sha256": dict(opening.models)})

    def hear(self, event: Event) -> None:
        """Write changes of state, outputs that come or go, other faces and settings; the rest is not for the log."""
        match event.fact:
            case StateChanged(state, why):
                self._write("state", {"said": f"{state.name}: {why}"})
            case SinkOpened(description):
                self._write("sink", {"said": f"Output: {description}."})
            case SinkFailed(_, why):
                self._write("sink", {"said": why})
            case SinkRemoved(description):
                self._write("sink", {"said": f"Closed on request: {description}."})
            case RecordingSplit(_, path):
                self._write("sink", {"said": f"The recording goes on in {Path(path).name}."})
            case SettingsApplied() as applied:
                self._write("change", {"settings": list(applied.changed), "swapper": applied.swapper})
                if {"face", "consent", "assign", "swapper"} & set(applied.changed):
                    self._write("face", {"names": list(applied.faces), "consents": list(applied.consents)})
            case _:
                pass

    def end(self, report: Report, error: MienError | None = None) -> None:
        """Write how it ended, and how many frames were swapped."""
        self._end(report.frames_swapped, "done" if error is None else _without_paths(str(error)))

    def broke_off(self, error: BaseException, frames_swapped: int) -> None:
        """Write what ended it before it was done: a refusal, a signal, or the program's own fault."""
        self._end(frames_swapped, _why(error))

    @contextmanager
    def lasting(self) -> Generator[None]:
        """Write the beginning, and the end where an exception leaves the block; an end that was written stays.

        For a file: after an exception nothing of the output is left, so no swapped frame either.
        """
        try:
            self.begin()
            yield
        except BaseException as error:
            self.broke_off(error, 0)
            raise

    def _begin(self) -> None:
        opening = self._opening
        fields = {"command": opening.command, "version": opening.version, "swapper": opening.swapper}
        self._presence = self._audit_log.begin(opening.session, fields)

    def _end(self, frames_swapped: int, why: str) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        self._write(STOP, {"frames_swapped": frames_swapped, "why": why}, is_last=True)
        if self._presence is not None:
            self._presence.end()

    def _write(self, kind: str, fields: Fields, *, is_last: bool = False) -> None:
        if self._written < _MOST_ENTRIES or is_last:
            self._attempt(lambda: self._audit_log.append(kind, self._opening.session, fields))

    def _attempt(self, write: Callable[[], object]) -> None:
        if self._is_quiet:
            return
        self._written += 1
        try:
            write()
        except AuditLogError as error:
            self._is_quiet = True
            _LOG.warning("This session is not in the local log any more: %s", error)


def _why(error: BaseException) -> str:
    """Say in the log's words what an exception means."""
    if isinstance(error, MienError):
        return _without_paths(str(error))
    if isinstance(error, KeyboardInterrupt):
        return "it was stopped by Ctrl-C"
    if isinstance(error, SystemExit) and isinstance(error.code, int) and error.code > _SIGNALLED:
        return f"it was stopped by the signal {_signal_name(error.code - _SIGNALLED)}"
    return f"Mien is at fault ({type(error).__name__})"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _without_paths(sentence: str) -> str:
    """Leave out what is quoted and looks like a file's name: the log names no photos and no inputs."""
    return _QUOTED_PATH.sub("'…'", sentence)


def what_is_known(audit_log: AuditLog, session: str) -> dict[str, object] | None:
    """Put together what the log knows of a session; None when it knows nothing.

    Several sessions can have drawn the same six digits; the latest counts.
    """
    known: dict[str, object] | None = None
    for entry in audit_log.entries():
        if entry.session != session:
            continue
        if entry.kind == START:
            known = {"started": entry.at, "command": entry.fields.get("command"), "ended": None}
        elif known is not None and entry.kind == "face":
            known |= {"faces": entry.fields.get("names"), "consents": entry.fields.get("consents")}
        elif known is not None and entry.kind == STOP and "frames_swapped" in entry.fields:
            # A line that was added later knows neither when it ended nor how much was swapped.
            known |= {"ended": entry.at, "frames_swapped": entry.fields["frames_swapped"]}
    return known


def local_audit_log() -> AuditLog:
    """Give this computer's log."""
    return AuditLog(folders.state_folder() / "sessions")


def session_log(
    command: str, options: Options, source_faces: SourceFaces, marks: Marks, outputs: tuple[str, ...]
) -> SessionLog:
    """Make what writes a session's lines; nothing is written yet.

    `command` is 'run' or 'swap', `outputs` say in words where pictures go.
    """
    opening = Opening(
        marks.session_id,
        command,
        source_faces.names,
        source_faces.consents,
        marks.mode.value,
        options.gate.value,
        options.swapper.name,
        outputs,
        _models(options.swapper.name),
        version("mien"),
    )
    return SessionLog(local_audit_log(), opening)


def _models(swapper: str) -> dict[str, str]:
    """Name the networks that a swapper may run, with their hashes."""
    models = {name: read_manifest(name).sha256 for name in manifest_names()}
    if swapper in SWAPPERS.names():
        return models
    store = library()
    try:
        manifest = store.find(swapper).manifest
        models[swapper] = manifest.sha256
        models |= {name: store.find(name).manifest.sha256 for name in needed_networks(manifest.network)}
    except ModelError:
        # What is missing is said by whoever needs it; the log only names what is there.
        return models
    return models
