"""What happens in a run, as values with fields; how it is said to people is for the command line and the panel."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final, TypeAlias

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
    addresses: tuple[str, ...] = ()
    """Where it can be looked at, this computer's address first; secret, whoever knows one can watch."""


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
class RecordingSplit:
    """A recording goes on in another file."""

    description: str
    path: str
    """Of the other file."""


@dataclass(frozen=True, slots=True)
class MicrophoneOpened:
    """Sound comes from here now."""

    description: str


@dataclass(frozen=True, slots=True)
class MicrophoneAway:
    """There is silence until a microphone can be opened again."""

    why: str
    """One sentence for people."""


@dataclass(frozen=True, slots=True)
class SyncOffset:
    """So late is the picture of the virtual camera, and so late a microphone should be that Mien does not carry."""

    offset_ms: int
    obs_input: str | None
    """What OBS calls the microphone that it holds back by that; None: it was not told."""


@dataclass(frozen=True, slots=True)
class ObsAway:
    """OBS does not hold its microphone back."""

    why: str
    """One sentence for people."""


@dataclass(frozen=True, slots=True)
class LineBroken:
    """A stream's server is away; the stream comes back by itself."""

    description: str
    why: str
    """One sentence for people."""


@dataclass(frozen=True, slots=True)
class LineBack:
    """A stream goes on."""

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
    | RecordingSplit
    | MicrophoneOpened
    | MicrophoneAway
    | SyncOffset
    | ObsAway
    | LineBroken
    | LineBack
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


_KEPT: Final = 256


class EventQueue:
    """One listener's events: at most 256 wait, the oldest go first. Any thread may call anything."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._events: deque[Event] = deque(maxlen=kept)
        self._changed = threading.Condition()
        self._is_closed = False
        self.missed = 0
        """How many events nobody took in time."""

    @property
    def is_closed(self) -> bool:
        """Whether no event comes any more; those that wait can still be taken."""
        return self._is_closed

    def put(self, event: Event) -> None:
        """Lay an event in; never waits."""
        with self._changed:
            if self._is_closed:
                return
            self.missed += len(self._events) == self._events.maxlen
            self._events.append(event)
            self._changed.notify_all()

    def get(self, timeout_s: float | None = None) -> Event | None:
        """Give the next event; None when none came in time or it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._is_closed, timeout_s)
            return self._events.popleft() if self._events else None

    def close(self) -> None:
        """Take no more and wake whoever waits."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


class Subscribers:
    """All listeners of a session. Any thread may call anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: tuple[EventQueue, ...] = ()
        self._is_closed = False

    def add(self) -> EventQueue:
        """Give a new listener its queue; of a session that has ended it is closed."""
        queue = EventQueue()
        with self._lock:
            self._queues = (*(one for one in self._queues if not one.is_closed), queue)
            if self._is_closed:
                queue.close()
        return queue

    def hear(self, event: Event) -> None:
        """Pass an event to everybody; never waits."""
        for queue in self._queues:
            queue.put(event)

    def close(self) -> None:
        """Let every listener take what waits, and know that nothing more comes."""
        with self._lock:
            self._is_closed = True
            for queue in self._queues:
                queue.close()
