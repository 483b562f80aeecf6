"""The small interfaces of the live program's parts; nothing to inherit."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from mien.pipeline.frame import Frame
from mien.provenance.release import ReleasedPicture, SwappedPicture


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """What the user asked a source for."""

    address: str
    """What follows `--camera`: an index, a name, a path, a URL or 'synthetic'."""
    width: int | None = None
    """Pixels asked for; None takes what the source likes best."""
    height: int | None = None
    fps: Fraction | None = None
    claps: bool = False
    """Whether a synthetic camera shows a white square every two seconds, when a synthetic microphone clicks."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source grants, known once it is open; said to the user instead of what was asked."""

    description: str
    """One line for people: which device or file, which format."""
    width: int
    """Pixels of the first frame; a file may change its size midway."""
    height: int
    fps: Fraction | None
    """Frames a second; None where it is unknown or varies."""
    frame_count: int | None
    """How many frames there will be; None for a camera and where a file does not say."""
    is_live: bool
    """True when frames pass by whether they are read or not: only the newest one matters."""
    address: str | None = None
    """What to ask for to get this very device again after it was away; None: what was asked for."""


class Source(Protocol):
    """Where frames come from: `with source: frame = source.read()`. Opens on enter; one thread reads."""

    @property
    def info(self) -> SourceInfo:
        """What was granted; valid between enter and exit."""
        ...

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            SourceError: it cannot be opened; the message says what to do.
        """
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; never raises, may be called after a failure, may be followed by another enter."""
        ...

    def read(self) -> Frame | None:
        """Give the next frame; None at the end. Blocks for at most 2 s.

        Raises:
            SourceError: no frame came in time or the device is gone.
        """
        ...


@runtime_checkable
class HasLength(Protocol):
    """A source that knows when its last frame ends: it may be shown for longer than the others."""

    @property
    def length_ns(self) -> int:
        """When the frame that was read last ends, counted from the start of the source."""
        ...


@runtime_checkable
class KeepsTime(Protocol):
    """A played source whose frames belong to moments of `time.monotonic_ns()`."""

    @property
    def keeps_time(self) -> bool:
        """Whether `captured_ns` is such a moment; it is not moved then, even where a frame comes late."""
        ...


class SourceFactory(Protocol):
    """Makes a source, closed."""

    def __call__(self, request: SourceRequest) -> Source:
        """Make it without opening anything."""
        ...


@dataclass(frozen=True, slots=True)
class Outage:
    """A live source has no frames for now and is being brought back."""

    why: str
    """One sentence for people, for instance 'Camera disconnected: waiting for it to come back.'."""


@dataclass(frozen=True, slots=True)
class End:
    """A live source has given its last frame."""


class LiveSource(Protocol):
    """A source as the live loop reads it: it survives what can be survived and plays files at their own pace.

    Every `captured_ns` it gives is `time.monotonic_ns()` of the moment the frame became due, for files too.
    """

    @property
    def info(self) -> SourceInfo:
        """What was granted; valid between enter and exit, the newest after a reopening."""
        ...

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            SourceError: it cannot be opened at all; the run ends.
        """
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; never raises."""
        ...

    def read(self, timeout_s: float) -> Frame | Outage | End | None:
        """Give the next frame; None when none came in time, which is no fault yet.

        An outage is said again on every read for as long as it lasts; the first frame after it ends it. Blocks for at
        most `timeout_s` and a little more, also while a camera hangs, so that a run can always end.

        Raises:
            SourceError: it is gone for good; the run ends.
        """
        ...


class Stage(Protocol):
    """One step of a frame's way: a frame in, a new frame out. Several threads may call it, one at a time."""

    @property
    def name(self) -> str:
        """Its name in reports."""
        ...

    def __call__(self, frame: Frame) -> Frame:
        """Do the step; may keep state between frames, says so in its class's first line."""
        ...


@runtime_checkable
class LooksAhead(Protocol):
    """A stage that decides better when it knows what comes: in a file, which can wait, frames go through it late."""

    def take(self, frame: Frame) -> Sequence[Frame]:
        """Take the next frame; give those that are done, in order: none, this one, or several."""
        ...

    def rest(self) -> Sequence[Frame]:
        """Give every frame that is still held back: none comes after them."""
        ...


@runtime_checkable
class MarkingStage(Protocol):
    """The last stage: nothing with a swapped face leaves without it.

    A file's frames go through it like through any other stage. A live run lets it mark each picture at the moment it is
    sent, after letterbox and crossfade, since it may send one picture several times.
    """

    @property
    def name(self) -> str:
        """Its name in reports."""
        ...

    def __call__(self, frame: Frame) -> Frame:
        """Fill `released` of a frame with a swapped face."""
        ...

    def release(self, picture: SwappedPicture, at_ns: int) -> ReleasedPicture:
        """Mark a picture that is sent at a time of `time.monotonic_ns()`."""
        ...


class OptionalPart(Protocol):
    """Something a stage can do or leave out; a live run leaves it out while the machine is too slow for everything."""

    @property
    def name(self) -> str:
        """What it is, as the beginning of a sentence: 'The grain'."""
        ...

    @property
    def is_on(self) -> bool:
        """Whether the stage does it."""
        ...

    @property
    def cost_ms(self) -> float | None:
        """What it lately took for a frame when it was done; None while it never was."""
        ...

    @property
    def goes_first(self) -> bool:
        """Whether it is left out before all that may stay longer; among equals the one that takes longest goes."""
        ...

    def switch(self, *, on: bool) -> None:
        """Do it or leave it out from the next frame on; called by another thread than the stage's."""
        ...


@runtime_checkable
class HasParts(Protocol):
    """A stage that offers parts which may be left out; what protects somebody is never among them."""

    @property
    def parts(self) -> Sequence[OptionalPart]:
        """The same ones for as long as the stage lives."""
        ...
