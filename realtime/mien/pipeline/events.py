"""TODO docstring."""

from dataclasses import dataclass
from enum import Enum


class EventKind(Enum):
    """What an event is about."""

    STATE = "state"
    SOURCE = "source"
    SINK = "sink"
    THREADS = "threads"
    LOAD_SHEDDING = "ladder"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something that happened, in one sentence for people."""

    at_s: float
    """Seconds since the run began."""
    kind: EventKind
    text: str
