"""TOML is read into values of known types; what is missing, unknown or wrong is named with its line."""

import json
import tomllib
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from mien_models.errors import ModelError

T = TypeVar("T")


def read_strictly(text: str, where: str, into: type[T]) -> T:
    """Read the text of a TOML file into a dataclass.

    Args:
        text: of the file.
        where: names the file in errors.
        into: the dataclass; its `__pydantic_config__` should forbid what it does not know.

    Raises:
        ModelError: no TOML, or a field is missing, unknown or of the wrong type; the message names line and field.
    """
    try:
        fields = tomllib.loads(text)
    except RecursionError as error:
        raise ModelError(f"{where} should be TOML of two levels, but is nested too deeply. Correct it.") from error
    except ValueError as error:  # also numbers of thousands of digits
        raise ModelError(f"{where} should be TOML, but: {error}. Correct that line.") from error
    try:
        return TypeAdapter(into).validate_json(json.dumps(fields, default=str), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        path = tuple(str(part) for part in first["loc"])
        raise ModelError(
            f"{where}, line {_line_of(text, path)}: the field '{'.'.join(path)}' is wrong "
            f"({first['msg'].lower()}). Correct it; the other manifests show what it looks like."
        ) from error


def _line_of(text: str, path: tuple[str, ...]) -> int:
    """Number of the line that holds a field, or of its table's head, or 1."""
    names = [part for part in path if not part.isdigit()]
    table, best = "", 1
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            table = stripped.strip("[] ")
        key = stripped.partition("=")[0].strip()
        here = [*([table] if table else []), key]
        if names[: len(here)] == here:
            return number
        if table and names[:1] == [table] and best == 1:
            best = number
    return best
