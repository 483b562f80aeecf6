"""What happens in a run, as values with fields; how it is said to people is for the command line and the panel."""

from dataclasses import dataclass
from typing import TypeAlias

from mien.pipeline.frame import State
from mien.pipeline.report import LoadChange


@dataclass(frozen=True, slots=True)
class StateChanged:
    """Something else is shown from now on."""

    state: State
    why: str
    """One sentence for people."""


@dataclass(frozen=True, slots=True)
class SourceOpened:
    """Frames come from here now."""

    description: str


@dataclass(frozen=True, slots=True)
class SinkOpened:
    """Frames go there now."""

    description: str


@dataclass(frozen=True, slots=True)
class SinkFailed:
    """An output takes no frames; the others go on."""

    description: str
    why: str
    """One sentence for people."""
    is_tried_again: bool


@dataclass(frozen=True, slots=True)
class SinkRemoved:
    """An output was closed because somebody asked for that."""

    description: str


@dataclass(frozen=True, slots=True)
class StagesGrouped:
    """The stages share threads anew."""

    groups: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class LoadShed:
    """An optional part was left out because the machine is too slow, or is back."""

    change: LoadChange


@dataclass(frozen=True, slots=True)
class SettingsApplied:
    """Other settings are in force."""

    revision: int
    changed: tuple[str, ...]
    """The settings that have another value now."""
    faces: tuple[str, ...]
    """The source faces in use, by their names in the library, else 'photo'."""
    consents: tuple[str, ...]
    """By what right, for the log."""
    swapper: str


@dataclass(frozen=True, slots=True)
class SettingsRefused:
    """Somebody asked for settings that are not possible; nothing has changed."""

    reasons: tuple[tuple[str, str], ...]
    """Each setting with one sentence about it."""


EventFact: TypeAlias = (
    StateChanged
    | SourceOpened
    | SinkOpened
    | SinkFailed
    | SinkRemoved
    | StagesGrouped
    | LoadShed
    | SettingsApplied
    | SettingsRefused
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, and when."""

    at_s: float
    """Seconds since the run began."""
    fact: EventFact
