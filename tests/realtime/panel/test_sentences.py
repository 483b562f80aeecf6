"""A sentence is a text everywhere, and comes out of another process with what it was made of."""

import json
from dataclasses import dataclass

from mien.panel.words import Words
from mien_models.errors import PhotoError
from mien_models.system.sentence import Sentence, parts_in, revived, sentence


@dataclass(frozen=True)
class Said:
    why: str
    several: tuple[str, ...] = ()


def test_a_sentence_is_its_text_also_as_an_error() -> None:
    one = sentence("No virtual camera was found. {advice}", advice=sentence("Install one: {command}", command="true"))
    assert one == "No virtual camera was found. Install one: true"
    said = str(PhotoError(one))
    assert isinstance(said, Sentence)
    assert said.fields["advice"] == "Install one: true"


def test_what_goes_through_json_is_put_together_again() -> None:
    inner = sentence("Install one: {command}", command="{braces}")
    said = Said(sentence("No virtual camera was found. {advice}", advice=inner), ("plain", inner))
    sent = json.dumps({"why": said.why, "several": said.several, "parts": parts_in(said)})
    got = json.loads(sent)
    back = revived({"why": got["why"], "several": got["several"]}, got["parts"])
    assert back == {"why": said.why, "several": ["plain", inner]}
    assert isinstance(back["why"].fields["advice"], Sentence)
    assert not isinstance(back["several"][0], Sentence)
    german = Words("de").told(back["why"])
    assert german == "Keine virtuelle Kamera gefunden. Installiere eine: {braces}"


def test_parts_that_somebody_made_up_do_no_harm() -> None:
    assert revived("a", {"a": {}}) == "a"
    assert revived("a", {"a": {"template": "a", "fields": {"a": "a"}}}).fields == {"a": "a"}
    assert revived(["a", 1, None], {"b": {}}) == ["a", 1, None]


def test_what_no_catalogue_knows_is_said_in_english() -> None:
    assert Words("fr").told("Nothing is known of this.") == "Nothing is known of this."
    assert Words("fr").told(sentence("Nothing of {this}.", this="that")) == "Nothing of that."
