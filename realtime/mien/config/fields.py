"""How sizes, rates and lists of names are read out of files, variables and flags, and what a form says of a field."""

from collections.abc import Iterator
from fractions import Fraction
from types import UnionType
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, MultipleOf
from pydantic import AfterValidator, BeforeValidator, JsonValue, PlainSerializer
from pydantic.fields import FieldInfo
from pydantic_settings import NoDecode

from mien_models.system.json_text import json_value

_SIDES: Final = (64, 7680)
_RATES: Final = (1, 240)
_LARGEST_DIVISOR: Final = 1_000_000
"""Of a rate; video files count in 31 bits."""


def _size(value: object) -> object:
    """Read '1280x720'."""
    if not isinstance(value, str):
        return value
    width, separator, height = value.lower().replace("×", "x").partition("x")
    if not (separator and width.isdecimal() and height.isdecimal()):
        raise ValueError("expected WIDTHxHEIGHT in pixels, such as 1280x720")
    size = (int(width), int(height))
    if any(side % 2 or not _SIDES[0] <= side <= _SIDES[1] for side in size):
        raise ValueError("expected two even numbers of pixels from 64 to 7680, such as 1280x720")
    return size


def _rate(value: object) -> object:
    """Read '30', '29.97' or '30000/1001' exactly."""
    if not isinstance(value, int | float | str):
        return value
    text = str(value).lower()
    try:  # a power of ten such as 1e999999999 would be written out, digit by digit
        rate = Fraction(0 if "e" in text else text).limit_denominator(_LARGEST_DIVISOR)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not _RATES[0] <= rate <= _RATES[1]:
        raise ValueError("expected a number of frames a second from 1 to 240, such as 30 or 30000/1001")
    return rate


def _names(value: object) -> object:
    """Read one name, or a JSON list of names, out of a variable."""
    if not isinstance(value, str):
        return value
    return json_value(value) if value.lstrip().startswith("[") else [value]


def _apart(names: tuple[str, ...]) -> tuple[str, ...]:
    """Take 'history,hands' for two names; a comma behind a colon belongs to a file's name."""
    found: list[str] = []
    for name in names:
        plain, comma, rest = name.partition(",")
        while comma and ":" not in plain:
            found.append(plain)
            plain, comma, rest = rest.partition(",")
        found.append(f"{plain}{comma}{rest}")
    return tuple(found)


_Side: TypeAlias = Annotated[int, Ge(_SIDES[0]), Le(_SIDES[1]), MultipleOf(2)]
Size: TypeAlias = Annotated[
    tuple[_Side, _Side], BeforeValidator(_size), PlainSerializer(lambda size: f"{size[0]}x{size[1]}", return_type=str)
]
Rate: TypeAlias = Annotated[
    Fraction, Ge(_RATES[0]), Le(_RATES[1]), BeforeValidator(_rate), PlainSerializer(str, return_type=str)
]
Names: TypeAlias = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
PluginNames: TypeAlias = Annotated[Names, AfterValidator(_apart)]
"""Names of plug-ins without commas of their own, which may stand between them."""


def said(
    label: str,
    group: str,
    *,
    unit: str = "",
    form: str = "",
    plugins: str = "",
    is_live: bool = True,
    is_of_networks: bool = False,
) -> dict[str, JsonValue]:
    """Give what a form needs to show a setting, for pydantic's `json_schema_extra`.

    Args:
        label: a few words above the control.
        group: settings of one group stand together.
        unit: what its number counts; '' where it has none.
        form: how its value is written, for help; '' where its type says it.
        plugins: the package whose plug-ins it names; '' for none.
        is_live: whether it can change while a run lasts.
        is_of_networks: whether only swappers that are networks know it.
    """
    return {
        "label": label,
        "group": group,
        "unit": unit,
        "form": form,
        "plugins": plugins,
        "live": is_live,
        "networks": is_of_networks,
    }


def range_of(field: FieldInfo) -> tuple[float | None, float | None]:
    """Give the lowest and the highest number that a setting takes, each side's for a size; None for no bound."""
    lowest, highest = None, None
    for one in (*field.metadata, *_constraints(field.annotation)):
        match one:
            case Ge(ge=bound) | Gt(gt=bound):
                lowest = float(str(bound))
            case Le(le=bound):
                highest = float(str(bound))
            case _:
                pass
    return lowest, highest


def _constraints(annotation: Any) -> Iterator[object]:  # noqa: ANN401 - any type at all
    """Give what stands in the `Annotated`s that a type is made of."""
    if get_origin(annotation) is Annotated:
        kind, *said = get_args(annotation)
        yield from _constraints(kind)
        for one in said:
            yield from one.metadata if isinstance(one, FieldInfo) else (one,)
    elif get_origin(annotation) in {Union, UnionType, tuple}:
        for one in get_args(annotation):
            yield from _constraints(one)
