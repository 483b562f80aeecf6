"""What the panel says, in the languages of the label: one catalogue a language, English where a text is missing."""

import locale
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Self

from mien_models.system.sentence import Sentence

ENGLISH: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "it": "Italiano",
    "pt": "Português",
    "zh": "中文",
}
"""Each by its own name."""


THEMES: Final = ("dark", "light", "system")
"""How the panel looks; dark where nobody chose."""


@dataclass(frozen=True, slots=True)
class Words:
    """One language: `words("Text in English", name=...)` gives the text in it, filled in."""

    language: str

    def __call__(self, text: str, /, **values: object) -> str:
        """Give a text of the catalogue."""
        found = catalogue(self.language).get(text) or text
        return found.format(**values) if values else found

    def told(self, text: str) -> str:
        """Say what another part of Mien said: in this language where it is known what the sentence was made of."""
        if not isinstance(text, Sentence):
            return text
        said = self(text.template, **{name: self.told(value) for name, value in text.fields.items()})
        return said[:1].upper() + said[1:] if text[:1].isupper() or text.template.startswith("{") else said

    @classmethod
    def of(cls, wishes: str, chosen: str | None = None) -> Self:
        """Take the language that was chosen, else the first that a browser asks for, else the system's."""
        asked = [part.partition(";")[0].strip()[:2].lower() for part in wishes.split(",")]
        system = (locale.getlocale()[0] or "")[:2].lower()
        wanted = [*([chosen] if chosen else []), *asked, system]
        return cls(next((one for one in wanted if one in LANGUAGES), ENGLISH))


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Read a language's texts by the English ones; English itself needs none."""
    if language == ENGLISH:
        return {}
    from babel.messages.pofile import read_po

    with files("mien.panel.locales").joinpath(f"{language}.po").open("rb") as file:
        read = read_po(file, locale=language)
    return {str(one.id): str(one.string) for one in read if one.id and one.string and not one.fuzzy}
