"""How pictures and sayings get to another machine and back, whatever carries them, and how that line does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from mien_models.types import BgrU8


@dataclass(frozen=True, slots=True, eq=False)
class Arrived:
    """A picture that came."""

    picture_bgr: BgrU8
    """(h, w, 3) as it was sent, but for the codec."""
    sent_ns: int
    """When it was given to the other side's transport, from some moment on: differences mean something, no more."""


@dataclass(frozen=True, slots=True)
class LineStats:
    """How a line does."""

    codec: str | None = None
    rtt_ms: float | None = None
    """There and back, without anything being worked on."""
    loss: float | None = None
    """0..1, the part of our packets that did not arrive at first."""
    encode_ms: float | None = None
    """For a picture, of late; sending included."""
    decode_ms: float | None = None
    bits_per_s: int | None = None
    """What we may send."""


class FrameTransport(Protocol):
    """One line. Lives in one asyncio loop; only `send` and `say` may be called from any thread, and never wait."""

    def send(self, picture_bgr: BgrU8, captured_ns: int) -> None:
        """Send a picture; of those that wait only the newest goes."""
        ...

    def say(self, text: str) -> None:
        """Say something beside the pictures; it may be lost, and is where the line is full."""
        ...

    def stats(self) -> LineStats:
        """Say how the line does."""
        ...

    async def close(self) -> None:
        """End; never raises."""
        ...


OnPicture = Callable[[Arrived], None]
OnSaid = Callable[[str | bytes], None]


class LinkState(Enum):
    """How the other machine is to be had."""

    CONNECTING = "connecting"
    READY = "ready"
    AWAY = "away"
    """It does not answer; it is tried again and again."""
    REFUSED = "refused"
    """It answers, and does not want to; it is asked again now and then."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """The line at one moment."""

    machine: str
    """Its name and address."""
    state: LinkState = LinkState.CONNECTING
    why: str = "Connecting to the other machine."
    line: LineStats = field(default_factory=LineStats)
    box_encode_ms: float | None = None
    box_decode_ms: float | None = None
    networks: Mapping[str, str] = field(default_factory=dict[str, str])
    seats: str = ""
    """Such as '2 of 3'."""
    swap_ms: float | None = None
    wait_ms: float | None = None
    back_ms: float | None = None
    """From sending a frame to having it back, by the median."""
    sent_size: tuple[int, int] | None = None
    """Of the pictures that are sent."""
    lines: int = 0
    """How many lines there were."""
    strangers: int = 0
    """What came back and belonged to no frame that was away."""
