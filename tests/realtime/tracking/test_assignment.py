"""Who gets which face, as it is written."""

import pytest

from mien.config.choices import ChooseMode
from mien.tracking.selection import Assignment, parse_assignments
from mien_models.errors import UsageError


@pytest.mark.parametrize("mode", list(ChooseMode))
def test_a_word_is_a_way_to_choose(mode: ChooseMode) -> None:
    assert parse_assignments(mode.value) is mode


def test_a_list_says_who_wears_what() -> None:
    assert parse_assignments("anna.jpg=cat.jpg#2, bob.jpg = none") == (
        Assignment("anna.jpg", "cat.jpg#2"),
        Assignment("bob.jpg", None),
    )


@pytest.mark.parametrize("text", ["smallest", "anna.jpg=", "=cat.jpg", "anna.jpg=cat.jpg,", "anna.jpg=none"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--assign should"):
        parse_assignments(text)
