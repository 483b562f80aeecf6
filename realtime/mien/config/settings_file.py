"""Settings come from four places: defaults, then `mien.toml`, then `MIEN_*`, then flags; the later one wins.

The file is also written, and watched while a session runs.
"""

import logging
import os
import threading
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast

import tomli_w
from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from mien.config.choices import OFF, OFF_ONCE, is_off_once
from mien.config.patch import changed_names
from mien.config.settings import PREFIX, TABLES, Settings
from mien_models.errors import UsageError
from mien_models.system import folders
from mien_models.system.causes import cause_of
from mien_models.system.near_miss import did_you_mean

FILE_NAME: Final = "mien.toml"
_VARIABLES_OF_THEIR_OWN: Final = frozenset(
    {
        folders.DATA_VARIABLE,
        folders.CONFIG_VARIABLE,
        folders.STATE_VARIABLE,
        "MIEN_DEBUG",
        "MIEN_PASSPHRASE",
        "MIEN_OBS_PASSWORD",
    }
)
_SEVERAL: Final = ("sinks", "masks")
"""The settings whose flag has no plural."""
_LOG = logging.getLogger(__name__)
_SETTLE_MS: Final = 100
"""An editor writes a file in several steps."""


def load_settings(flags: Mapping[str, object], config_file: Path | None = None) -> Settings:
    """Put the settings together.

    Args:
        flags: what the command line gave, by setting; None and empty lists count as not given.
        config_file: `--config`; by default `mien.toml` of the current folder, else that of the user's folder.

    Raises:
        UsageError: an unknown setting, named with its near miss, or a value that is not allowed.
    """
    given = _without_nothing(flags)
    file = config_file if config_file is not None else settings_file()
    in_file = {} if file is None else _read(file)
    _refuse_unknown(in_file, tuple(Settings.model_fields), str(file))
    _refuse_unknown_variables()
    _refuse_lasting_off(in_file, str(file))

    try:
        return Settings.model_validate(_over(_over(in_file, EnvSettingsSource(Settings)()), given))
    except ValidationError as error:
        raise UsageError(_explained(error, given, str(file))) from error


def as_toml(settings: Settings) -> str:
    """Write the settings as the text of a `mien.toml`, with every setting explained."""
    values = settings.model_dump(mode="json")
    lines: list[str] = []
    tables: list[str] = []
    for name, field in type(settings).model_fields.items():
        value = values[name]
        if isinstance(value, dict):
            tables += ["", f"# {field.description}", tomli_w.dumps({name: value}).rstrip()]
            continue
        lines.append(f"# {field.description}")
        if is_off_once(name, value):
            lines.append(f"# {name} is off for this run only, which no file keeps")
            continue
        lines.append(f"# {name} is not set" if value is None else tomli_w.dumps({name: value}).rstrip())
    return "\n".join([*lines, *tables]) + "\n"


def _over(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Lay settings over others; those of a table one by one."""
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[name] = {**cast("Mapping[str, object]", old), **cast("Mapping[str, object]", value)}
        else:
            merged[name] = value
    return merged


def _without_nothing(flags: Mapping[str, object]) -> dict[str, object]:
    """Drop what was not given, in the tables below too."""
    kept: dict[str, object] = {}
    for name, value in flags.items():
        inner = _without_nothing(cast("Mapping[str, object]", value)) if isinstance(value, Mapping) else value
        if inner is not None and inner not in ({}, [], ()):
            kept[name] = inner
    return kept


def settings_file() -> Path | None:
    """Give the file that counts without `--config`: that of the current folder, else the user's; None: none."""
    for file in (Path(FILE_NAME), folders.config_folder() / FILE_NAME):
        if file.is_file():
            _LOG.debug("settings are read from %s", file)
            return file
    return None


def _read(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The settings file {str(file)!r} cannot be read: {cause_of(error)}.") from error
    except RecursionError as error:
        raise UsageError(f"The settings file {str(file)!r} is not valid TOML: it is nested too deeply.") from error
    except ValueError as error:  # also bytes that are no text, and numbers of thousands of digits
        raise UsageError(f"The settings file {str(file)!r} is not valid TOML: {error}.") from error


def _refuse_unknown(names: Iterable[str], known: Sequence[str], where: str) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"Unknown setting {name!r} in {where}{_near_miss(name, known)}")


def _refuse_unknown_variables() -> None:
    fields = [PREFIX + name.upper() for name in Settings.model_fields]
    inner = [
        f"{PREFIX}{table.upper()}__{name.upper()}" for table, model in TABLES.items() for name in model.model_fields
    ]
    known = [*fields, *inner, *_VARIABLES_OF_THEIR_OWN]
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            raise UsageError(f"Unknown setting {name!r} in the environment{_near_miss(name, known)}")


def _refuse_lasting_off(in_file: Mapping[str, object], file: str) -> None:
    """Refuse to leave out the label or the content gate for longer than one run."""
    for name, words in OFF_ONCE.items():
        variable = f"{PREFIX}{name.upper()}"
        lasting = {f"{name!r} in {file}": in_file.get(name), variable: os.environ.get(variable)}
        for place, value in lasting.items():
            if isinstance(value, str) and value.lower() == OFF:
                flag = name.replace("_", "-")
                raise UsageError(
                    f"{place}: expected {words}, found 'off'. That can be for one run only; give that run --{flag} off."
                )


def _near_miss(name: str, known: Sequence[str]) -> str:
    choices = f"choose one of: {', '.join(known)}."
    return f"; {did_you_mean(name, known, choices)}"


def _explained(error: ValidationError, flags: Mapping[str, object], file: str) -> str:
    """Say in one sentence what is wrong with the first setting that is, and where it was set."""
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        known = tuple(TABLES[path[0]].model_fields)
        return f"Unknown setting {'.'.join(path)!r} in {file}{_near_miss(path[-1], known)}"
    variable = PREFIX + "__".join(path[:2]).upper()
    if path[0] in flags:
        place = "--" + (path[1] if path[0] in TABLES else path[0].removesuffix("s") if path[0] in _SEVERAL else path[0])
    elif variable in os.environ:
        place = variable
    else:
        place = f"{'.'.join(path)!r} in {file}"
    reason = first["msg"].removeprefix("Value error, ")
    return f"{place.replace('_', '-') if place.startswith('--') else place}: {reason}; found {first['input']!r}."


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
