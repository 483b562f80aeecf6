"""The panel speaks every language of the label: a text that one of them lacks fails here."""

import re

import pytest

from catalogues import texts
from mien.panel.pages.pieces import NOWHERE
from mien.panel.words import ENGLISH, LANGUAGES, Words, catalogue
from mien.sinks.registry import SINKS
from mien.stages.marks import TEXTS

OTHERS = [language for language in LANGUAGES if language != ENGLISH]
FIELD = re.compile(r"{\w+}")


@pytest.fixture(scope="module")
def wanted() -> tuple[str, ...]:
    return tuple(texts())


@pytest.mark.parametrize("language", OTHERS)
def test_no_text_is_missing_and_none_is_left_over(language: str, wanted: tuple[str, ...]) -> None:
    assert len(wanted) > 250, "the texts are not found where they stand"
    known = catalogue(language)
    assert [text for text in wanted if not known.get(text)] == [], "run scripts/catalogues.py and fill them in"
    assert sorted(set(known) - set(wanted)) == [], "run scripts/catalogues.py"


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_has_the_same_fields_in_another_language(language: str) -> None:
    for english, text in catalogue(language).items():
        assert sorted(FIELD.findall(english)) == sorted(FIELD.findall(text)), english
        assert "{" not in FIELD.sub("", text)


def test_a_language_is_taken_as_it_was_chosen_then_as_the_browser_asks() -> None:
    assert Words.of("fr-CA, fr;q=0.9, en;q=0.5").language == "fr"
    assert Words.of("xx, zh-Hans;q=0.4").language == "zh"
    assert Words.of("fr", chosen="de").language == "de"
    assert Words.of("fr", chosen="../../etc").language == "fr"
    assert Words("de")("Faces") == "Gesichter"
    assert Words("de")("{name} is kept.", name="Ada") == "Ada ist abgelegt."
    assert Words("de")("A text that nobody has translated") == "A text that nobody has translated"


def test_they_are_the_labels_languages() -> None:
    assert set(LANGUAGES) == set(TEXTS)


def test_every_output_that_comes_with_mien_has_a_name_in_every_language() -> None:
    unnamed = [name for name, plugin in SINKS.each() if not plugin.label and name != NOWHERE]
    assert not unnamed
