"""What the content gate looks at."""

from enum import Enum, StrEnum
from typing import Final


class LandmarksMode(StrEnum):
    """How closely a followed face is looked at."""

    QUICK = "quick"
    """468 points, 2 ms."""
    FINE = "fine"
    """A larger network that sees lips and lids better, 8 ms."""


class GlassesMode(StrEnum):
    """What becomes of the glasses that the user wears."""

    AUTO = "auto"
    """They stay where the face is large enough for its rims to be seen whole, else they go."""
    KEEP = "keep"
    """They stay in front of the new face."""
    REMOVE = "remove"
    """Nothing is left of them, temples included."""


class EyesMode(StrEnum):
    """Whose eyes the built-in swapper shows; where they look and how far they are open is the user's."""

    PHOTO = "photo"
    """Lids, lashes and the colour of the irises are the photo's, where it shows them."""
    WEARER = "wearer"
    """The user's own eyes show through the new face."""


class ConsentKind(Enum):
    """By what right a face is used."""

    SELF = "self"
    GRANTED = "granted"
    SYNTHETIC = "synthetic"
    PUBLIC_DOMAIN = "public-domain"

    @property
    def meaning(self) -> str:
        """The kind in plain words."""
        return {
            ConsentKind.SELF: "it is me",
            ConsentKind.GRANTED: "the person agreed to this use",
            ConsentKind.SYNTHETIC: "nobody: the face was generated",
            ConsentKind.PUBLIC_DOMAIN: "the picture is in the public domain",
        }[self]


class Show(Enum):
    """What the sinks get in a state that is not LIVE."""

    CARD = "card"
    """A calm picture that says what is going on."""
    FREEZE = "freeze"
    """The last swapped picture; a card while there is none."""
    BLUR = "blur"
    """The camera's picture with so little left of it that nobody can be recognised."""
    PASSTHROUGH = "passthrough"
    """The camera's picture as it is: the real face. Never a default, never a fallback."""


class LabelMode(StrEnum):
    """When the label is shown."""

    ON = "on"
    """On every swapped picture."""
    ART = "art"
    """For five seconds at the start, after every break and every three minutes: for evidently artistic work."""
    OFF = "off"
    """Never in this run; this can be asked for by a flag, and is kept nowhere."""


LABEL_OFF_WARNING: Final = (
    "The label is off for this run only: the law of the EU (AI Act, Art. 50) and of China asks whoever shows a swapped "
    "face to others to say so, visibly and from the first moment. YouTube, TikTok and most platforms ask for the same, "
    "so say it yourself; the invisible mark stays."
)


class ChooseMode(Enum):
    """What the user can ask for in one word."""

    LARGEST = "largest"
    """One face: the largest, and then the same one for as long as it is there."""
    LEFTMOST = "leftmost"
    """One face: the one furthest left in the picture, and then the same one for as long as it is there."""
    ALL = "all"
    """Every face."""


GATE_OFF_WARNING: Final = (
    "The content gate is off for this run only, and the local log says so. Intimate pictures of a person who did not "
    "agree to them are a crime in most countries."
)


class GateMode(StrEnum):
    """What the content gate looks at."""

    FILES = "files"
    """Files that are swapped or played as a camera."""
    ALWAYS = "always"
    """Live cameras too."""
    OFF = "off"
    """Nothing in this run; this can be asked for by a flag, and is kept nowhere."""

    def covers(self, *, is_file: bool) -> bool:
        """Whether an input is looked at."""
        return self is GateMode.ALWAYS or (self is GateMode.FILES and is_file)


OFF: Final = "off"
OFF_ONCE: Final = {"label": "'on' or 'art'", "content_gate": "'files' or 'always'"}
"""What can be switched off for one run, by a flag of that run, and what may be asked for in any other way."""


def is_off_once(name: str, value: object) -> bool:
    """Whether a setting, by its name, has the value that is for one run only."""
    return name in OFF_ONCE and value == OFF


class RecordingQuality(Enum):
    """How good a recording is, and how large."""

    BEST = "best"
    """Nobody sees that it was encoded; about 1.6 times as large as 'good'."""
    GOOD = "good"
    SMALL = "small"
    """Half as large as 'good'."""
    STREAM = "stream"
    """As a stream of that size is; where one runs, both have one encoder, and the line's bit rate counts."""
