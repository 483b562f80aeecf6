"""Some settings changed: checked as a whole, with a sentence about each that is wrong."""

from collections.abc import Mapping
from typing import Any, Final, cast

from pydantic import BaseModel, ValidationError

from mien.config.choices import OFF, OFF_ONCE
from mien.config.settings import TABLES, Settings
from mien_models.errors import UsageError
from mien_models.system.near_miss import near_miss

_FLAGS: Final[Mapping[str, str]] = {"sink": "sinks", "mask": "masks"}
"""What a flag is called, where the setting has a plural."""


class PatchError(UsageError):
    """Settings that are not possible; `reasons` has a sentence for each of them."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__(" ".join(reasons.values()))
        self.reasons = dict(reasons)


def patched(settings: Settings, changes: Mapping[str, object]) -> Settings:
    """Give the same settings with some of other values.

    A setting inside a table is named with a dot ('policy.lost'), or by the table's own mapping. A new face without a
    word about consent asks for it anew: what was said of the old one does not count.

    Raises:
        PatchError: an unknown setting, a value that is not allowed, or a setting that cannot change during a run.
    """
    wanted, reasons = _nested(changes)
    if not reasons:
        values: dict[str, Any] = settings.model_dump()
        for name, value in wanted.items():
            values[name] = {**values[name], **cast("dict[str, Any]", value)} if name in TABLES else value
        if "face" in wanted and "consent" not in wanted:
            values["consent"] = None
        try:
            new = Settings.model_validate(values)
        except ValidationError as error:
            raise PatchError(_reasons(error)) from error
        reasons = {
            name: f"{name!r} cannot change during a run; it counts from the next start on."
            for name in Settings.model_fields
            if getattr(new, name) != getattr(settings, name) and not is_live(name)
        } | _switched_off(settings, new)
        if not reasons:
            return new
    raise PatchError(reasons)


def changed_names(before: Settings, after: Settings) -> tuple[str, ...]:
    """Name the settings that differ; those inside tables with a dot."""
    found: list[str] = []
    for name in Settings.model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if old != new and isinstance(old, BaseModel):
            fields = type(old).model_fields
            found += [f"{name}.{inner}" for inner in fields if getattr(old, inner) != getattr(new, inner)]
        elif old != new:
            found.append(name)
    return tuple(found)


def is_live(name: str) -> bool:
    """Whether a setting can change while a run lasts."""
    extra = Settings.model_fields[name].json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("live"))  # pyright: ignore[reportUnknownArgumentType]


def flag_of(name: str) -> str:
    """Give what the flag of a setting is called: it has no plural."""
    return next((flag for flag, setting in _FLAGS.items() if setting == name), name)


def takes_several(name: str) -> bool:
    """Whether a setting has several values."""
    field = Settings.model_fields.get(_FLAGS.get(name, name))
    return field is not None and field.annotation == tuple[str, ...]


def setting_names() -> tuple[str, ...]:
    """Name every setting, those inside tables with a dot."""
    plain = [name for name in Settings.model_fields if name not in TABLES]
    return (*plain, *(f"{table}.{name}" for table, model in TABLES.items() for name in model.model_fields))


def _switched_off(settings: Settings, new: Settings) -> dict[str, str]:
    """Say of what may be left out for whole runs only that it stays."""
    return {
        name: f"{name!r}: expected {words}, found 'off'. That is for a whole run: begin one with "
        f"--{name.replace('_', '-')} off."
        for name, words in OFF_ONCE.items()
        if getattr(new, name).value == OFF and getattr(settings, name).value != OFF
    }


def _nested(changes: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """Bring every way to name a setting into one; give what cannot be named too."""
    wanted: dict[str, object] = {}
    reasons: dict[str, str] = {}
    for given, value in changes.items():
        name = _FLAGS.get(given, given)
        table, _, inner = name.partition(".")
        if name in TABLES and isinstance(value, Mapping):
            wanted[name] = {**cast("dict[str, object]", wanted.get(name, {})), **value}
        elif inner and table in TABLES and inner in TABLES[table].model_fields:
            wanted[table] = {**cast("dict[str, object]", wanted.get(table, {})), inner: value}
        elif name in Settings.model_fields and name not in TABLES:
            wanted[name] = value
        else:
            reasons[given] = f"Unknown setting {given!r}{_near_miss(given)}"
    return wanted, reasons


def _reasons(error: ValidationError) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in error.errors(include_url=False):
        name = ".".join(str(part) for part in one["loc"][:2] if not isinstance(part, int)) or "settings"
        reason = one["msg"].removeprefix("Value error, ")
        found[name] = f"{name!r}: {reason}; found {one['input']!r}."
    return found


def _near_miss(name: str) -> str:
    names = setting_names()
    by_last = {known.rpartition(".")[2]: known for known in names}
    near = near_miss(name, [*names, *by_last])
    return f"; did you mean {by_last.get(near, near)!r}?" if near else f"; choose one of: {', '.join(names)}."
