"""JSON that anybody may have written: whatever is wrong with it is one kind of error."""

import json
from typing import Any, cast


def json_value(text: str | bytes) -> Any:  # noqa: ANN401 - what JSON holds
    """Read JSON of any kind.

    Raises:
        ValueError: it is none, or nested deeper than anything that Mien writes.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def json_object(text: str | bytes) -> dict[str, Any]:
    """Read one JSON object.

    Raises:
        ValueError: it is none.
    """
    found = json_value(text)
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - the content is wrong, not the caller's type
    return cast("dict[str, Any]", found)


def whole_number(value: object) -> int:
    """Take a number out of JSON that has to be whole; 1e999 is a number there, and no int.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no whole number")  # noqa: TRY004 - as above
    return value
