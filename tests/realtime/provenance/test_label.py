import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.config.choices import LabelMode
from mien.stages.marks import TEXTS, Label, LabelSchedule, central_part, label_text
from mien_models.types import BgrU8

SECOND = 1_000_000_000


def labelled(height: int, width: int, grey: int, text: str = "AI MODIFIED") -> BgrU8:
    picture = np.full((height, width, 3), grey, np.uint8)
    label = Label(width, height, text)
    picture[label.rows, label.columns] = label.over(picture)
    return picture


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("text", TEXTS.values())
@pytest.mark.parametrize(("width", "height"), [(640, 360), (1280, 720), (1920, 1080), (720, 720)])
def test_the_letters_are_white_tall_and_at_the_top_right_of_the_central_part(
    width: int, height: int, text: str, grey: int
) -> None:
    rows, columns = np.nonzero((labelled(height, width, 255, text) < 255).any(axis=2))
    left, top, inner_width, inner_height = central_part(width, height)
    assert top <= rows.min()
    assert rows.max() < top + inner_height * 0.2
    assert left < columns.min()
    assert left + inner_width * 0.9 < columns.max() < left + inner_width
    plate = labelled(height, width, grey, text)[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1, 0]
    letter_rows = np.nonzero((plate > 240).any(axis=1))[0]
    assert letter_rows.max() - letter_rows.min() + 1 >= 0.05 * min(width, height)
    assert np.percentile(plate, 40) <= 0.4 * 255


def test_the_rest_of_the_picture_is_untouched() -> None:
    picture = labelled(720, 1280, 77)
    assert (picture[110:] == 77).all()
    assert (picture[:, :700] == 77).all()


@given(st.integers(1, 80), st.integers(1, 80))
def test_a_frame_of_any_size_survives(height: int, width: int) -> None:
    assert labelled(height, width, 50).shape == (height, width, 3)


@pytest.mark.parametrize(
    ("language", "words"), [("de", "KI-VERÄNDERT"), ("pt_BR.UTF-8", "MODIFICADO POR IA"), ("nl", "AI MODIFIED")]
)
def test_it_speaks_the_users_language(language: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert label_text(language) == words
    monkeypatch.setenv("LC_ALL", language)
    assert label_text() == words


def test_art_shows_it_at_the_start_after_a_break_and_every_three_minutes() -> None:
    schedule = LabelSchedule(LabelMode.ART)
    shown = {second for second in range(400) if schedule.shows(second * SECOND)}
    assert shown == {*range(5), *range(180, 185), *range(360, 365)}
    assert schedule.shows(450 * SECOND)


def test_on_shows_it_always_and_off_never() -> None:
    always, never = LabelSchedule(LabelMode.ON), LabelSchedule(LabelMode.OFF)
    assert all(always.shows(second * SECOND) and not never.shows(second * SECOND) for second in range(400))
