"""A settings file that is saved while a session runs: what changed in it is asked for."""

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from mien.config.patch import changed_names
from mien.config.settings import Settings, load_settings, settings_file
from mien_models.errors import UsageError

_LOG = logging.getLogger(__name__)
_SETTLE_MS: Final = 100
"""An editor writes a file in several steps."""


class SettingsFileClient:
    """Watches the file between enter and exit. Has state: what of it was asked for, and was not refused.

    Only what was changed in the file is asked for, so that saving it does not take back what somebody else has set.
    What was refused is asked for again with the next save, for it still stands there.
    """

    def __init__(
        self,
        flags: Mapping[str, object],
        config_file: Path | None,
        settings: Settings,
        ask: Callable[[Mapping[str, object]], bool],
    ) -> None:
        """Take what `load_settings` took and gave, and who puts other values in force, by setting, or refuses them."""
        self._flags, self._settings, self._ask = flags, settings, ask
        self._file = config_file if config_file is not None else settings_file()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="mien-settings-file", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch; where no file counts, nothing is watched."""
        if self._file is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def look(self) -> None:
        """Read the file and ask for what has changed in it; what is wrong in it is said, and nothing is asked."""
        try:
            read = load_settings(self._flags, self._file)
        except UsageError as error:
            _LOG.warning("%s Nothing is changed.", error)
            return
        changed = changed_names(self._settings, read)
        if not changed or self._ask({name: _value_of(read, name) for name in changed}):
            self._settings = read

    def _watch(self) -> None:
        from watchfiles import watch

        file = Path(str(self._file)).absolute()
        # The folder: an editor that saves by renaming puts another file in its place.
        for changes in watch(
            file.parent, recursive=False, stop_event=self._ending, debounce=_SETTLE_MS, rust_timeout=500
        ):
            if any(Path(path) == file for _, path in changes) and file.is_file():
                self.look()


def _value_of(settings: Settings, name: str) -> Any:  # noqa: ANN401 - as diverse as settings are
    table, _, inner = name.partition(".")
    value = getattr(settings, table)
    return getattr(value, inner) if inner else value
