"""What a form shows of each setting, made from the settings' own descriptions: a new setting appears by itself."""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from mien.config.choices import is_off_once
from mien.config.fields import range_of
from mien.config.patch import is_live, setting_names
from mien.config.settings import TABLES, Settings
from mien.panel.words import LANGUAGES
from mien_models.errors import ModelError
from mien_models.plugins import Plugins


class Kind(Enum):
    """What somebody moves or clicks."""

    SWITCH = "switch"
    SLIDER = "slider"
    CHOICE = "choice"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class Control:
    """One setting in a form."""

    name: str
    """As in `mien.toml`; inside a table with a dot."""
    kind: Kind
    label: str
    help: str
    """What it does, in a sentence without a capital and a full stop."""
    unit: str = ""
    low: float = 0.0
    high: float = 1.0
    is_whole: bool = False
    """Whether only whole numbers are meant."""
    choices: tuple[str, ...] = ()
    can_be_unset: bool = False
    """Whether there is a state in which something else decides."""
    is_of_networks: bool = False
    """Whether it does nothing with a swapper that is no network."""


_BUILT_IN: Final[Plugins[object]] = Plugins("mien_models.swappers", "swapper")
_NOT_HERE: Final = frozenset({"face", "consent", "camera", "sinks", "assign", "content_gate.off", "label.off"})
"""These have pages of their own."""


def _swappers_of_the_user() -> tuple[str, ...]:
    from mien.session.swappers import library  # not before a form is shown: the first page should be there at once

    store = library()
    found: list[str] = []
    for name in store.names():
        try:
            if store.find(name).manifest.network.kind == "swapper":
                found.append(name)
        except ModelError:
            continue
    return tuple(found)


_MORE: Final[Mapping[str, Callable[[], Sequence[str]]]] = {
    "swapper": _swappers_of_the_user,
    "language": lambda: tuple(LANGUAGES),
    "microphone": lambda: ("default", "none"),  # those that are plugged in are asked for when a page is opened
}
"""Where a setting names what is no plug-in, what there is."""


def _choices(name: str, extra: Mapping[str, Any]) -> tuple[str, ...]:
    """Give what a setting can name; what needs a file of the user's is for the terminal."""
    package = str(extra.get("plugins") or "")
    plugins: Plugins[object] = Plugins(package, name)
    described = plugins.described() if package else ()
    more = _MORE[name]() if name in _MORE else ()
    return (*(one.name for one in described if not one.target or one.target.startswith("[")), *more)


def controls(*groups: str) -> tuple[Control, ...]:
    """Give the controls of some groups, in the order of the settings; what only a file can say is left out."""
    made = (_control(name, _field(name)) for name in setting_names() if _is_wanted(name, groups))
    return tuple(one for one in made if one is not None)


def control(name: str) -> Control | None:
    """Give the control of one setting; None where a form has none."""
    return _control(name, _field(name)) if name in setting_names() else None


def has_effect(one: Control, swapper: str) -> bool:
    """Whether moving a control changes anything with a swapper."""
    return not (one.is_of_networks and swapper in _BUILT_IN.names())


def _is_wanted(name: str, groups: tuple[str, ...]) -> bool:
    extra = _extra(_field(name))
    return name not in _NOT_HERE and extra.get("group") in groups and is_live(name.partition(".")[0])


def _field(name: str) -> FieldInfo:
    table, _, inner = name.partition(".")
    return TABLES[table].model_fields[inner] if inner else Settings.model_fields[name]


def _extra(field: FieldInfo) -> Mapping[str, Any]:
    extra = field.json_schema_extra
    return extra if isinstance(extra, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _control(name: str, field: FieldInfo) -> Control | None:
    extra = _extra(field)
    parts = _parts(field.annotation)
    kinds = [one for one in parts if one is not type(None)]
    shown: dict[str, Any] = {
        "name": name,
        "label": str(extra.get("label", name)),
        "help": field.description or "",
        "unit": str(extra.get("unit", "")),
        "can_be_unset": type(None) in parts,
        "is_of_networks": bool(extra.get("networks")),
    }
    choices = _choices(name, extra)
    if choices:
        kind = Kind.SEVERAL if get_origin(field.annotation) is tuple else Kind.CHOICE
        return Control(kind=kind, choices=choices, **shown)
    return None if extra.get("plugins") else _of_type(kinds[0] if kinds else str, range_of(field), shown)


def _of_type(kind: Any, limits: tuple[float | None, float | None], shown: dict[str, Any]) -> Control | None:  # noqa: ANN401
    if kind is bool:
        return Control(kind=Kind.SWITCH, **shown)
    if get_origin(kind) is Literal:
        return Control(kind=Kind.CHOICE, choices=tuple(map(str, get_args(kind))), **shown)
    if isinstance(kind, type) and issubclass(kind, Enum):
        values = tuple(str(one.value) for one in kind)
        choices = tuple(one for one in values if not is_off_once(shown["name"], one))
        return Control(kind=Kind.CHOICE, choices=choices, **shown)
    low, high = limits
    if kind in {int, float} and low is not None and high is not None:
        return Control(kind=Kind.SLIDER, low=low, high=high, is_whole=kind is int, **shown)
    return None


def _parts(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any type at all
    if get_origin(annotation) in {Union, types.UnionType}:
        return tuple(part for one in get_args(annotation) for part in _parts(one))
    if get_origin(annotation) is Annotated:
        return _parts(get_args(annotation)[0])
    return (annotation,)
