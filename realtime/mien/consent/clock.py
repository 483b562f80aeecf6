"""The time, which does not go back: a clock that is set back makes no right last longer."""

import contextlib
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from mien_models.system.atomic_write import write_private

_LOG = logging.getLogger(__name__)
_WRITTEN_EVERY: Final = timedelta(minutes=1)
_SLACK: Final = timedelta(hours=26)
"""Clocks are corrected by seconds, and zones are up to 26 hours apart; more than that is said."""

_EARLIEST_YEAR: Final = 1970
_LATEST_YEAR: Final = 9000


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
