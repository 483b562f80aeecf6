"""How sizes, rates and lists of names are read out of files, variables and flags, and what a form says of a field."""

from fractions import Fraction
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, JsonValue, PlainSerializer
from pydantic_settings import NoDecode

from mien_models.system.json_text import json_value


def _size(value: object) -> object:
    """Read '1280x720'."""
    if not isinstance(value, str):
        return value
    width, separator, height = value.lower().replace("×", "x").partition("x")
    if not (separator and width.isdecimal() and height.isdecimal()):
        raise ValueError("expected WIDTHxHEIGHT in pixels, such as 1280x720")
    size = (int(width), int(height))
    if any(side % 2 or not 64 <= side <= 7680 for side in size):
        raise ValueError("expected two even numbers of pixels from 64 to 7680, such as 1280x720")
    return size


def _rate(value: object) -> object:
    """Read '30', '29.97' or '30000/1001' exactly."""
    if not isinstance(value, int | float | str):
        return value
    try:
        rate = Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 1 <= rate <= 240:
        raise ValueError("expected a number of frames a second from 1 to 240, such as 30 or 30000/1001")
    return rate


def _names(value: object) -> object:
    """Read one name, or a JSON list of names, out of a variable."""
    if not isinstance(value, str):
        return value
    return json_value(value) if value.lstrip().startswith("[") else [value]


Size: TypeAlias = Annotated[
    tuple[int, int], BeforeValidator(_size), PlainSerializer(lambda size: f"{size[0]}x{size[1]}", return_type=str)
]
Rate: TypeAlias = Annotated[Fraction, BeforeValidator(_rate), PlainSerializer(str, return_type=str)]
Names: TypeAlias = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]


def said(
    label: str, group: str, *, unit: str = "", form: str = "", plugins: str = "", is_live: bool = True
) -> dict[str, JsonValue]:
    """Give what a form needs to show a setting, for pydantic's `json_schema_extra`.

    Args:
        label: a few words above the control.
        group: settings of one group stand together.
        unit: what its number counts; '' where it has none.
        form: how its value is written, for help; '' where its type says it.
        plugins: the package whose plug-ins it names; '' for none.
        is_live: whether it can change while a run lasts.
    """
    return {"label": label, "group": group, "unit": unit, "form": form, "plugins": plugins, "live": is_live}
