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


# The texts stand in `N_(...)`, which marks them for the catalogues.


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark a text that is translated where it is shown."""
    return text


STATES: Final[Mapping[str, str]] = {
    "live": N_("Live"),
    "lost": N_("No face"),
    "privacy": N_("Hidden"),
    "fault": N_("Trouble"),
    "revealed": N_("Your real face"),
    "starting": N_("Starting"),
    "none": N_("Not running"),
    "frozen": N_("Frozen"),
}
REASONS: Final[Mapping[str, str]] = {
    "live": N_("Everybody sees the new face."),
    "no face": N_("Nobody sees you: a card is shown until a face can be swapped."),
    "starting": N_("The camera and the networks are being opened."),
    "privacy": N_("Nobody sees you until you show the picture again."),
    "camera": N_("The camera gives no picture; a card is shown meanwhile."),
    "swap": N_("The face cannot be swapped right now; a card is shown meanwhile."),
    "ended": N_("The face may not be used any longer."),
    "revealed": N_("The camera is shown as it is for three seconds."),
    "frozen": N_("Everybody sees the last swapped picture, standing still."),
    "none": N_("No camera is open and nothing is sent."),
}
CONSENTS: Final[Mapping[str, tuple[str, str]]] = {
    "self": (N_("It is me"), N_("My own face.")),
    "granted": (N_("They agreed"), N_("The person said yes to this use.")),
    "synthetic": (N_("Nobody"), N_("A computer made this face.")),
    "public-domain": (N_("Public domain"), N_("The picture is free for everybody.")),
}
VALUES: Final[Mapping[tuple[str, str], str]] = {
    ("swapper", "mesh"): N_("Built in, runs anywhere"),
    ("colour", "mkl"): N_("Light of the room (best)"),
    ("colour", "reinhard_lab"): N_("Light of the room, softer"),
    ("colour", "mean_std"): N_("Simple"),
    ("colour", "histogram"): N_("Strong"),
    ("colour", "none"): N_("As in the photo"),
    ("masks", "history"): N_("Hands and things in front"),
    ("eyes", "photo"): N_("Of the photo, looking where you look"),
    ("eyes", "wearer"): N_("Your own"),
    ("masks", "hands"): N_("Hands in front from the start"),
    ("glasses", "auto"): N_("Keep them where they are seen well"),
    ("glasses", "keep"): N_("Keep them in front"),
    ("glasses", "remove"): N_("Remove them"),
    ("masks", "selfie"): N_("Keep the background"),
    ("masks", "none"): N_("Nothing"),
    ("provider", "auto"): N_("The fastest there is"),
    ("provider", "cpu"): N_("Processor"),
    ("provider", "litert-cpu"): N_("Processor"),
    ("provider", "cuda"): "NVIDIA CUDA",
    ("provider", "tensorrt"): "NVIDIA TensorRT",
    ("provider", "tensorrt-rtx"): "NVIDIA TensorRT RTX",
    ("provider", "coreml"): "Apple Core ML",
    ("provider", "directml"): "DirectML",
    ("provider", "openvino"): "OpenVINO",
    ("microphone", "default"): N_("The system's microphone"),
    ("microphone", "none"): N_("No sound"),
    ("label", "on"): N_("Always"),
    ("label", "art"): N_("At the start, then every three minutes"),
    ("content_gate", "files"): N_("Films and pictures"),
    ("content_gate", "always"): N_("Live cameras too"),
    ("policy", "card"): N_("A calm card"),
    ("policy", "freeze"): N_("The last swapped picture"),
    ("policy", "blur"): N_("A blur in which nobody is known"),
    ("policy", "passthrough"): N_("The camera as it is: your real face"),
    ("assign", "largest"): N_("The largest face"),
    ("assign", "leftmost"): N_("The face on the left"),
    ("assign", "all"): N_("Everybody"),
}
STAGES: Final[Mapping[str, str]] = {
    "consent_check": N_("May the face be used"),
    "content_gate": N_("Content gate"),
    "track": N_("Finding faces"),
    "owner_check": N_("Is it you"),
    "swap": N_("Swapping"),
    "colour": N_("Light and colour"),
    "finish": N_("Finishing"),
    "enhance": N_("Enhancing"),
    "detail": N_("Sharpness and grain"),
    "tone": N_("Skin tone"),
    "glasses": N_("Your glasses"),
    "mask": N_("Hands and hair in front"),
    "composite": N_("Putting together"),
    "output": N_("Label, mark, sending"),
}


def value_said(words: Words, setting: str, value: str) -> str:
    """Say a value of a setting."""
    text = VALUES.get((setting.partition(".")[0], value))
    return value if text is None else words(text)


def stage_said(words: Words, stage: str) -> str:
    """Say what a stage does."""
    return words(STAGES[stage]) if stage in STAGES else stage
