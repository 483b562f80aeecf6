"""Sentences for people that remember what they were made of, so that they can be said in another language.

A sentence is its English text, and can be used as that everywhere. Where it crosses to another process as JSON, its
parts go beside it (`parts_in`), and are put together again there (`revived`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final, TypeAlias

Parts: TypeAlias = Mapping[str, object]
"""As JSON: `template`, and `fields`, a text for each name in its braces."""
_DEEPEST: Final = 8


class Sentence(str):
    """An English text that was made of a template and what was filled in."""

    __slots__ = ("fields", "template")
    template: str
    fields: Mapping[str, str]
    """Each may be a sentence itself."""

    def __str__(self) -> str:
        """Stay what it is: an error that is written as text gives its sentence."""
        return self


def sentence(template: str, /, **values: object) -> Sentence:
    """Fill a template in, which also names the sentence in catalogues.

    Args:
        template: English, with names in braces.
        values: what stands there.
    """
    texts = {name: value if isinstance(value, Sentence) else str(value) for name, value in values.items()}
    made = Sentence(template.format(**texts))
    made.template, made.fields = template, texts
    return made


def parts_in(value: object) -> dict[str, Parts]:
    """Give the parts of every sentence in a value, by its English text, as JSON has them."""
    return {one: {"template": one.template, "fields": dict(one.fields)} for one in _sentences(value, _DEEPEST)}


def revived(value: Any, parts: Mapping[str, Parts]) -> Any:  # noqa: ANN401 - JSON
    """Give a value that came as JSON with its sentences put together again."""
    match value:
        case str():
            found = parts.get(value)
            return value if found is None else _made(value, found, parts)
        case list():
            return [revived(one, parts) for one in value]  # pyright: ignore[reportUnknownVariableType]
        case dict():
            return {name: revived(one, parts) for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


def _made(text: str, parts: Parts, known: Mapping[str, Parts]) -> Sentence:
    inner = parts.get("fields")
    made = Sentence(text)
    made.template = str(parts.get("template", text))
    others = {name: one for name, one in known.items() if name != text}
    texts: dict[str, Any] = dict(inner) if isinstance(inner, Mapping) else {}  # pyright: ignore[reportUnknownArgumentType]
    made.fields = {name: revived(str(one), others) for name, one in texts.items()}
    return made


def _sentences(value: object, depth: int) -> Iterator[Sentence]:
    if depth == 0:
        return
    match value:
        case Sentence():
            yield value
            inside: tuple[object, ...] = tuple(value.fields.values())
        case str():
            return
        case Mapping():
            inside = tuple(value.values())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case list() | tuple():
            inside = tuple(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case _ if is_dataclass(value) and not isinstance(value, type):
            inside = tuple(getattr(value, one.name) for one in fields(value))
        case _:
            return
    for one in inside:
        yield from _sentences(one, depth - 1)
