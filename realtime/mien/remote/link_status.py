"""What is known of the line to the machine that swaps, at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from mien.remote.transport import LineStats


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
