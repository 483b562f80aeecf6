"""The flags of settings, made from the settings' own descriptions: a new setting is a new flag without more ado."""

import inspect
import types
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from mien.config.fields import range_of
from mien.config.patch import flag_of
from mien.config.settings import TABLES, Settings
from mien_models.plugins import Described, Plugins


@dataclass(frozen=True, slots=True)
class _Flag:
    name: str
    """Of the parameter, as in `mien.toml` but for plurals."""
    setting: str
    field: FieldInfo

    def parameter(self) -> inspect.Parameter:
        """Give the command's parameter; what is not given stays None, so that the settings below it count."""
        kind: Any = str
        words = [f"--{self.name.replace('_', '-')}"]
        if self.field.annotation is bool:
            kind, words = bool, [f"{words[0]}/--no-{words[0][2:]}"]
        elif self._has_several:
            kind = list[str]
        metavar = None if kind is bool else self._metavar()
        option = typer.Option(*words, metavar=metavar, help=self._help(), show_default=False)
        return inspect.Parameter(
            self.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[kind | None, option],
        )

    @property
    def _has_several(self) -> bool:
        return get_origin(self.field.annotation) is tuple and get_args(self.field.annotation)[-1] is Ellipsis

    def _help(self) -> str:
        text = self.field.description or ""
        found = [f"{one.address or one.name}: {one.help}" for one in self._plugins() if one.help]
        return f"{text[:1].upper()}{text[1:]}{'; ' if found else ''}{'; '.join(found)}."

    def _metavar(self) -> str:
        found = [one.usage for one in self._plugins()]
        return "|".join(found) or self._said("form") or _choices(self.field) or "NAME"

    def _plugins(self) -> tuple[Described, ...]:
        """Give what is found of what the setting names."""
        package = self._said("plugins")
        plugins: Plugins[object] = Plugins(package, self.setting)
        return plugins.described() if package else ()

    def _said(self, what: str) -> str:
        extra: object = self.field.json_schema_extra
        return str(cast("dict[str, object]", extra).get(what, "")) if isinstance(extra, dict) else ""


def flag_parameters(groups: tuple[str, ...], without: tuple[str, ...]) -> list[inspect.Parameter]:
    """Give the parameters of a command for the settings of some groups, none of them for all."""
    return [flag.parameter() for flag in _flags(groups, without)]


def _flags(groups: tuple[str, ...], without: tuple[str, ...]) -> Iterator[_Flag]:
    for name, field in Settings.model_fields.items():
        if name in TABLES:
            for inner, inner_field in TABLES[name].model_fields.items():
                if _is_wanted(inner_field, groups) and f"{name}.{inner}" not in without:
                    yield _Flag(inner, name, inner_field)
        elif _is_wanted(field, groups) and name not in without:
            yield _Flag(flag_of(name), name, field)


def _is_wanted(field: FieldInfo, groups: tuple[str, ...]) -> bool:
    extra = field.json_schema_extra
    return not groups or (isinstance(extra, dict) and extra.get("group") in groups)


def _choices(field: FieldInfo) -> str | None:
    """Say what may stand after a flag, as far as its type says it."""
    lowest, highest = range_of(field)
    kinds = [one for one in _parts(field.annotation) if one is not type(None)]
    kind = kinds[0] if kinds else str
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(one.value) for one in kind)
    if lowest is not None and highest is not None:
        return f"{lowest:g}..{highest:g}"
    if isinstance(kind, type) and issubclass(kind, Path):
        return "FILE"
    return "N" if kind in {int, float} else None


def _parts(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any type at all
    if get_origin(annotation) in {Union, types.UnionType}:
        return tuple(part for one in get_args(annotation) for part in _parts(one))
    if get_origin(annotation) is Annotated:
        return _parts(get_args(annotation)[0])
    return (annotation,)
