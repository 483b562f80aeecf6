"""One line of the log and what chains it to the line before; nothing here touches a disk."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from mien_models.system.json_text import json_object, whole_number

BEGINNING: Final = "0" * 64
"""What the first line of all names as the hash before it."""
ANCHOR: Final = "anchor"
"""The kind of a first line that stands for lines which were purged, or for a log that was damaged."""

Fields: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line."""

    sequence: int
    """Counts up by one, whatever the clock does."""
    at: str
    """Date and time in UTC, ISO 8601, as the computer's clock had it."""
    kind: str
    """'start', 'face', 'state' ..."""
    previous: str
    """SHA-256 of the line before, in hexadecimal digits."""
    session: str | None = None
    """Six hexadecimal digits, those of the mark; None for what belongs to no session."""
    fields: Fields = field(default_factory=dict[str, object])
    """What there is to say of it."""

    @property
    def sha256(self) -> str:
        """Of everything in the line, as `line` writes it without the hash."""
        return hashlib.sha256(_canonical(self._contents())).hexdigest()

    def line(self) -> str:
        """Give the line of JSON, without its end."""
        return json.dumps(self._contents() | {"sha256": self.sha256}, ensure_ascii=False, sort_keys=True)

    def _contents(self) -> dict[str, object]:
        contents: dict[str, object] = {"sequence": self.sequence, "at": self.at, "kind": self.kind}
        contents |= {"session": self.session, "previous": self.previous, "fields": dict(self.fields)}
        return contents


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a chain breaks."""

    line: int
    """Counted from 1."""
    why: str


def parsed(line: str) -> Entry:
    """Read one line.

    Raises:
        ValueError: it is not a line of the log, or its hash is not that of what it says.
    """
    try:
        contents = json_object(line)
        entry = Entry(
            whole_number(contents["sequence"]),
            str(contents["at"]),
            str(contents["kind"]),
            str(contents["previous"]),
            contents["session"],
            dict(contents["fields"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("it is not a line of the log") from error
    if contents.get("sha256") != entry.sha256:
        raise ValueError("it was changed after it was written")
    return entry


def first_fault(lines: Iterable[str]) -> Fault | None:
    """Find the first line that was changed, or that does not follow the one before; None in a whole chain."""
    before: Entry | None = None
    for number, line in enumerate(lines, start=1):
        try:
            entry = parsed(line)
        except ValueError as error:
            return Fault(number, str(error))
        if not _follows(before, entry):
            return Fault(number, "lines before it are missing or were exchanged")
        before = entry
    return None


def _follows(before: Entry | None, entry: Entry) -> bool:
    if before is None:
        return entry.kind == ANCHOR or (entry.previous, entry.sequence) == (BEGINNING, 0)
    if before.kind == ANCHOR:
        # An anchor keeps the hash and the number of the last line that it stands for; the next line follows those.
        return (entry.previous, entry.sequence) == (before.previous, before.sequence + 1)
    return (entry.previous, entry.sequence) == (before.sha256, before.sequence + 1)


def _canonical(contents: Mapping[str, object]) -> bytes:
    # As the line is written: a name that is not UTF-8 is read back with question marks.
    return json.dumps(contents, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")
