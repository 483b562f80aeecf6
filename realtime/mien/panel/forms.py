"""What a form shows of each setting, made from the settings' own descriptions: a new setting appears by itself."""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from mien.config.patch import is_live, setting_names
from mien.config.settings import TABLES, Settings
from mien.session.swappers import library
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


_NOT_HERE: Final = frozenset({"face", "consent", "camera", "sinks", "assign", "content_gate.off", "label.off"})
"""These have pages of their own."""
_ONLY_FLAGS: Final = frozenset({"label", "content_gate"})
"""'off' is for one run, by a flag of that run."""


def _model_names(kind: str) -> tuple[str, ...]:
    found: list[str] = []
    store = library()
    for name in store.names():
        try:
            if store.find(name).manifest.network.kind == kind:
                found.append(name)
        except ModelError:
            continue
    return tuple(found)


def _plugin_names(package: str, kind: str) -> tuple[str, ...]:
    plugins: Plugins[object] = Plugins(package, kind)
    return plugins.names()


def _swappers() -> tuple[str, ...]:
    return (*_plugin_names("mien_models.swappers", "swapper"), *_model_names("swapper"))


def _languages() -> tuple[str, ...]:
    from mien.panel.words import LANGUAGES

    return tuple(LANGUAGES)


_NEED_FILES: Final = frozenset({"xseg", "bisenet"})


def _masks() -> tuple[str, ...]:
    return tuple(name for name in _plugin_names("mien.stages.mask_methods", "mask") if name not in _NEED_FILES)


_CHOICES: Final[Mapping[str, Callable[[], Sequence[str]]]] = {
    "colour": lambda: _plugin_names("mien.stages.colour_methods", "colour method"),
    "masks": _masks,
    "swapper": _swappers,
    "language": _languages,
}
"""Where the values of a setting are names of things, what there is."""


def controls(*groups: str) -> tuple[Control, ...]:
    """Give the controls of some groups, in the order of the settings; what only a file can say is left out."""
    made = (_control(name, _field(name)) for name in setting_names() if _is_wanted(name, groups))
    return tuple(one for one in made if one is not None)


def control(name: str) -> Control | None:
    """Give the control of one setting; None where a form has none."""
    return _control(name, _field(name)) if name in setting_names() else None


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
    }
    if name in _CHOICES:
        kind = Kind.SEVERAL if get_origin(field.annotation) is tuple else Kind.CHOICE
        return Control(kind=kind, choices=tuple(_CHOICES[name]()), **shown)
    return _of_type(kinds[0] if kinds else str, _limits(field), shown)


def _of_type(kind: Any, limits: tuple[float, float] | None, shown: dict[str, Any]) -> Control | None:  # noqa: ANN401
    if kind is bool:
        return Control(kind=Kind.SWITCH, **shown)
    if get_origin(kind) is Literal:
        return Control(kind=Kind.CHOICE, choices=tuple(map(str, get_args(kind))), **shown)
    if isinstance(kind, type) and issubclass(kind, Enum):
        values = tuple(str(one.value) for one in kind)
        choices = tuple(one for one in values if not (shown["name"] in _ONLY_FLAGS and one == "off"))
        return Control(kind=Kind.CHOICE, choices=choices, **shown)
    if kind in {int, float} and limits is not None:
        return Control(kind=Kind.SLIDER, low=limits[0], high=limits[1], is_whole=kind is int, **shown)
    return None


def _limits(field: FieldInfo) -> tuple[float, float] | None:
    found = [*field.metadata]
    for part in get_args(field.annotation):
        found += get_args(part)[1:] if get_origin(part) is Annotated else []
    lows = [float(one.ge) for one in found if isinstance(one, Ge)]  # type: ignore[arg-type] # numbers in our settings
    highs = [float(one.le) for one in found if isinstance(one, Le)]  # type: ignore[arg-type]
    for one in found:
        inner = getattr(one, "metadata", ())
        lows += [float(part.ge) for part in inner if isinstance(part, Ge)]  # type: ignore[arg-type]
        highs += [float(part.le) for part in inner if isinstance(part, Le)]  # type: ignore[arg-type]
    return (lows[0], highs[0]) if lows and highs else None


def _parts(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any type at all
    if get_origin(annotation) in {Union, types.UnionType}:
        return tuple(part for one in get_args(annotation) for part in _parts(one))
    if get_origin(annotation) is Annotated:
        return _parts(get_args(annotation)[0])
    return (annotation,)
