"""Text of any origin becomes fit to be shown."""

import json

import pytest

from mien_models.system.printable import in_one_line, json_text, printable, shown


@pytest.mark.parametrize("fine", ["plain", "Zoë 図 🧑‍🚀 א", "a\u00a0b\u3000c", "two\nlines\tof it", ""])
def test_what_people_write_stays_as_it_is(fine: str) -> None:
    assert printable(fine) == fine


@pytest.mark.parametrize("foul", ["\x1b[31m", "\udcff", "\x00", "\u202e", "\x7f", "\r"])
def test_what_a_terminal_obeys_or_no_file_holds_is_replaced(foul: str) -> None:
    cleaned = printable(f"a{foul}b")
    assert foul not in cleaned
    assert cleaned[0] + cleaned[-1] == "ab"
    assert cleaned.encode()


def test_a_name_with_a_line_break_stays_one_line() -> None:
    assert in_one_line("one\ntwo\tthree") == "one two three"
    assert "\n" not in shown("a\nb")


def test_json_is_taken_by_every_reader_and_shown_by_every_console() -> None:
    text = json_text({"name": "Zoë \udcff\x1b", "nested": [{"\udc80": 1}]})
    assert text.isascii()
    assert json.loads(text)["name"].startswith("Zoë ")
    assert "\\udc" not in text
