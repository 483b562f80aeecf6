"""Renews the panel's catalogues: `uv run python scripts/catalogues.py`. New texts come in empty, those of nobody go."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from mien.config.settings import TABLES, Settings
from mien.panel.words import ENGLISH, LANGUAGES

PANEL: Final = Path(__file__).parent.parent / "realtime" / "mien" / "panel"
LOCALES: Final = PANEL / "locales"
KEYWORDS: Final = {"say": None, "words": None, "N_": None}
ROOTS: Final = (PANEL.parent, PANEL.parent.parent.parent / "models" / "mien_models")
"""Where sentences are made that the panel may show."""


def texts() -> Iterator[str]:
    """Give every text that the panel may show: what its pages say, and what settings say of themselves."""
    seen: set[str] = set()
    for text in (*_of_pages(), *_of_settings(), *_of_sinks(), *_of_sentences()):
        if text and text not in seen:
            seen.add(text)
            yield text


def _of_pages() -> Iterator[str]:
    found = extract_from_dir(str(PANEL), [("**.py", "python")], keywords=KEYWORDS)
    for _, _, message, _, _ in sorted(found, key=lambda one: (one[0], one[1])):
        text = message if isinstance(message, str) else message[0]
        # A literal that is shown as it is: a program's name.
        if text and " " not in text and text.lower() in {"obs", "zoom", "teams", "mien", "mien.toml", "–"}:
            continue
        yield text


def _of_settings() -> Iterator[str]:
    from mien.panel.forms import controls

    for control in controls("swap", "look", "sound", "safety", "remote"):
        table, _, inner = control.name.partition(".")
        fields = TABLES[table].model_fields if inner else Settings.model_fields
        yield control.label
        yield fields[inner or table].description or ""


def _of_sinks() -> Iterator[str]:
    from mien.sinks.registry import SINKS

    for _, plugin in SINKS.each():
        # One of the user's without a label is shown as it calls itself.
        if plugin.label:
            yield plugin.label
            yield plugin.help


def _of_sentences() -> Iterator[str]:
    for root in ROOTS:
        for _, _, message, _, _ in extract_from_dir(str(root), [("**.py", "python")], keywords={"sentence": None}):
            yield message if isinstance(message, str) else message[0]


def renew(language: str, wanted: tuple[str, ...]) -> int:
    """Write a language's catalogue with the texts that are wanted; say how many it lacks."""
    path = LOCALES / f"{language}.po"
    before: Catalog | None = read_po(BytesIO(path.read_bytes()), locale=language) if path.is_file() else None
    catalogue = Catalog(locale=language, project="Mien", charset="utf-8", fuzzy=False)
    missing = 0
    for text in wanted:
        known = before.get(text) if before is not None else None
        string = str(known.string) if known is not None and known.string else ""
        missing += not string
        catalogue.add(text, string, flags=["python-brace-format"] if "{" in text else [])
    with path.open("wb") as file:
        write_po(file, catalogue, width=110, omit_header=True)
    return missing


def main() -> int:
    """Renew every catalogue."""
    wanted = tuple(texts())
    missing = {language: renew(language, wanted) for language in LANGUAGES if language != ENGLISH}
    print(f"{len(wanted)} texts; missing: {missing}")
    return 1 if any(missing.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
