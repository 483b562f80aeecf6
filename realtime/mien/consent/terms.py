"""What somebody agreed to: the terms under which a face may be used."""

import contextlib
import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from pathlib import Path
from typing import Final, Self, cast

from mien.config.choices import ConsentKind
from mien_models.errors import FinalError, UsageError
from mien_models.system.atomic_write import write_private
from mien_models.system.sentence import sentence

_LOG = logging.getLogger(__name__)
_WRITTEN_EVERY: Final = timedelta(minutes=1)
_SLACK: Final = timedelta(hours=26)
"""Clocks are corrected by seconds, and zones are up to 26 hours apart; more than that is said."""

_EARLIEST_YEAR: Final = 1970
_LATEST_YEAR: Final = 9000
_USUAL_DAYS: Final = 365
"""What somebody else agreed to is asked again after a year, unless a date is given."""


class ConsentError(FinalError):
    """A face that may not be used (any longer); a run that uses it ends with a card."""


class Scope(Enum):
    """What a face may be used for; both by default."""

    LIVE = "live"
    """In a virtual camera or a window: calls and streams."""
    RECORDING = "recording"
    """In files: recordings, and what `mien swap` writes."""
    STREAMING = "streaming"
    """To the public: streams to a server that shows them to others."""


_WITHOUT: Final = {
    Scope.LIVE: "write to files only",
    Scope.RECORDING: "leave file sinks and 'mien swap' away",
    Scope.STREAMING: "stream without it",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """One person's face, and what was agreed."""

    id: str
    """Random; names the folder and the key."""
    name: str
    consent: ConsentKind
    scope: tuple[Scope, ...]
    given_at: str
    """Date and time in UTC, ISO 8601."""
    until: date | None
    """The last day, by the local clock; None without an end."""
    statement: str
    """What the person wrote or signed, as text; '' for none."""

    def check(self, now: datetime) -> None:
        """Refuse what has run out.

        Raises:
            ConsentError: it has.
        """
        if self.until is not None and now.astimezone().date() > self.until:
            raise ConsentError(
                sentence(
                    "The right to use {name} ended on {day}. Ask again, then remove it and add it anew: mien faces "
                    "remove, mien faces add.",
                    name=repr(self.name),
                    day=self.until.isoformat(),
                )
            )

    def allow(self, use: Scope) -> None:
        """Refuse a use that was not agreed to.

        Raises:
            ConsentError: it was not.
        """
        if use not in self.scope:
            agreed = " and ".join(one.value for one in self.scope)
            raise ConsentError(
                f"{self.name!r} may be used for {agreed}, not for {use.value}: {_WITHOUT[use]}, or ask again and add "
                f"it anew with --scope {use.value}."
            )

    @property
    def signer(self) -> bytes:
        """A digest that the photos are bound to: whoever changes the terms in the file loses them."""
        fields = {**self.as_data(), "version": 1}
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).digest()

    def as_data(self) -> dict[str, object]:
        """Give what is written as JSON."""
        return {
            **asdict(self),
            "consent": self.consent.value,
            "scope": [one.value for one in self.scope],
            "until": None if self.until is None else self.until.isoformat(),
        }

    @classmethod
    def from_data(cls, data: dict[str, object]) -> Self:
        """Read what `as_data` gave.

        Raises:
            ValueError, KeyError, TypeError: it is something else.
        """
        texts = {name: data[name] for name in ("id", "name", "given_at", "statement")}
        if not all(isinstance(one, str) for one in texts.values()):
            raise TypeError("a text is missing")
        scope = tuple(Scope(one) for one in cast("list[object]", data["scope"]))
        until = None if data["until"] is None else date.fromisoformat(cast("str", data["until"]))
        return cls(
            cast("str", texts["id"]),
            cast("str", texts["name"]),
            ConsentKind(data["consent"]),
            scope,
            cast("str", texts["given_at"]),
            until,
            cast("str", texts["statement"]),
        )


def last_day(text: str | None, consent: ConsentKind, now: datetime) -> date | None:
    """Read `--until`; what somebody else agreed to lasts a year where nothing is said.

    Raises:
        UsageError: it is no date, or one that has passed.
    """
    if text is None:
        return (now + timedelta(days=_USUAL_DAYS)).date() if consent is ConsentKind.GRANTED else None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--until takes a date as 2027-06-30, not {text!r}.") from error
    if datetime.combine(day, time.max, UTC) < now:
        raise UsageError(f"--until {text} has passed; give a date to come.")
    return day


class FilterClock:
    """Gives the latest time ever seen on this computer. Has state: that time, also in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._latest = self._written = self._read()
        self._has_said = False

    def now(self) -> datetime:
        """Give the time in UTC, never earlier than the last time it was asked for."""
        here = datetime.now(UTC)
        if here < self._latest - _SLACK and not self._has_said:
            self._has_said = True
            _LOG.warning(
                "This computer's clock says %s, but it has been %s before; rights to faces end by the later one.",
                f"{here:%Y-%m-%d}",
                f"{self._latest:%Y-%m-%d}",
            )
        self._latest = max(here, self._latest)
        if self._latest - self._written >= _WRITTEN_EVERY:
            self._written = self._latest
            # Where it cannot be written, this run still keeps it.
            with contextlib.suppress(OSError):
                write_private(self._file, self._latest.isoformat().encode())
        return self._latest

    def _read(self) -> datetime:
        try:
            seen = datetime.fromisoformat(self._file.read_text(encoding="utf-8").strip())
        except (OSError, ValueError):
            return datetime.fromtimestamp(0, UTC)
        if not _EARLIEST_YEAR <= seen.year <= _LATEST_YEAR:  # damaged: at the ends of time no date can be reckoned with
            return datetime.fromtimestamp(0, UTC)
        return seen if seen.tzinfo is not None else seen.replace(tzinfo=UTC)
