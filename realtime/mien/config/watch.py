"""A settings file that is written while a run lasts."""

from collections.abc import Mapping
from pathlib import Path

from mien.config.settings import Settings, load_settings, settings_file


class SettingsWatch:
    """Notices that the file was written; keeps when. The flags that were given stay the stronger ones."""

    def __init__(self, flags: Mapping[str, object], config_file: Path | None = None) -> None:
        """Take what `load_settings` took."""
        self._flags = flags
        self._file = config_file if config_file is not None else settings_file()
        self._written_ns = self._written()

    def changed(self) -> Settings | None:
        """Read the settings anew where the file was written since the last call; else None.

        Raises:
            UsageError: what stands in it now is wrong.
        """
        written_ns = self._written()
        if written_ns is None or written_ns == self._written_ns:
            return None
        self._written_ns = written_ns
        return load_settings(self._flags, self._file)

    def _written(self) -> int | None:
        try:
            return None if self._file is None else self._file.stat().st_mtime_ns
        except OSError:
            return None
