"""Text that may come from anywhere, such as the name of a file, made fit to be shown, drawn or kept."""

import json
import unicodedata
from os import PathLike
from typing import Final

INSTEAD: Final = "\N{REPLACEMENT CHARACTER}"
"""What stands for a character that cannot be shown."""
_JOINERS: Final = frozenset("\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")
"""They cannot be seen, but emoji and the scripts of India and Persia need them."""
_BREAKS: Final = frozenset("\n\t")


def printable(text: str) -> str:
    """Replace what a terminal would obey, a font or a file cannot hold, or nobody could see.

    These are control characters, also those that turn the direction of writing, and the halves of characters by which
    Python stands for bytes that are not UTF-8. Line breaks and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if _is_fine(letter) else INSTEAD for letter in text)


def in_one_line(text: str) -> str:
    """As `printable`, with line breaks and tabs as spaces."""
    return " ".join(printable(text).split()) if _BREAKS & set(text) else printable(text)


def shown(path: "str | PathLike[str]") -> str:
    """Give a path in quotation marks, as messages name files."""
    return repr(in_one_line(str(path)))


def json_text(data: object) -> str:
    """Give JSON that every console can show and every reader takes: in ASCII, without halves of characters."""
    return json.dumps(json.loads(printable(json.dumps(data, ensure_ascii=False))), indent=2)


def _is_fine(letter: str) -> bool:
    # Spaces other than the usual one count as not printable in Python.
    return letter.isprintable() or letter in _BREAKS or letter in _JOINERS or unicodedata.category(letter) == "Zs"
