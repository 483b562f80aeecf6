"""When the program is live, when it is not, and what is shown then: values and pure functions."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Self

from mien.live.cover import covered_part
from mien.packet import FramePacket, State

_LEAST_COVER: Final = 0.2
"""A swap that hides less of its face's box than this shows the real face; the mesh hid 0.52 and more in seven clips."""


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


class Cause(Enum):
    """What keeps the program from being live, in the words that a card has."""

    STARTING = "starting"
    NO_FACE = "no face"
    PRIVACY = "privacy"
    CAMERA = "camera"
    SWAP = "swap"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user wants shown in each state. As made, no setting ever shows the real face."""

    lost: Show = Show.CARD
    """A card, not a frozen picture: the others in a call see that a person is away, not that their network hangs."""
    privacy: Show = Show.CARD
    fault: Show = Show.CARD
    hold_s: float = 0.5
    """When LIVE ends in LOST or FAULT the last swapped picture stays this long: a blink of the tracker is no card."""
    live_after: int = 1
    """How many frames in a row must be swapped before the program is LIVE again."""

    def shown_in(self, state: State) -> Show:
        """What to show in a state other than LIVE."""
        if state is State.REVEALED:
            return Show.PASSTHROUGH
        return {State.LOST: self.lost, State.PRIVACY: self.privacy, State.FAULT: self.fault}[state]


@dataclass(frozen=True, slots=True)
class StageFailure:
    """A frame on which a stage failed."""

    stage: str
    why: str
    """One sentence for people."""
    is_final: bool = False
    """Whether the run has to end because of it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state, and the sentence that says why."""

    state: State
    why: str
    cause: Cause | None
    """None when LIVE."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the state follows from. Starts as it is at the start of a run: nothing seen yet."""

    is_private: bool = False
    outage: str | None = None
    """Why no frames come, while none come."""
    failure: StageFailure | None = None
    """What went wrong with the latest frame."""
    unsure: str | None = "Starting: no frame has been swapped yet."
    """Why the latest frame carries no complete swap."""
    live_streak: int = 0
    """How many frames in a row were swapped completely."""
    is_revealed: bool = False
    """Whether the user asked to be shown as they are; ends with any fault, and with the panic key."""
    has_begun: bool = False
    """True once the first frame has come through."""

    def after_frame(self, packet: FramePacket, failure: StageFailure | None) -> Self:
        """Learn from a frame that came through, or on which a stage failed."""
        unsure = why_not_live(packet) if failure is None else None
        streak = self.live_streak + 1 if failure is None and unsure is None else 0
        is_revealed = self.is_revealed and failure is None
        return replace(
            self, failure=failure, unsure=unsure, live_streak=streak, has_begun=True, is_revealed=is_revealed
        )

    def after_stall(self, failure: StageFailure) -> Self:
        """Learn that frames go in and none comes out."""
        return replace(self, failure=failure, live_streak=0, is_revealed=False)

    def after_outage(self, why: str) -> Self:
        """Learn that no frames come."""
        return replace(self, outage=why, live_streak=0, is_revealed=False)

    def after_return(self) -> Self:
        """Learn that frames come again; none of them has been swapped yet."""
        return replace(self, outage=None, unsure="Frames come again; none has been swapped yet.", live_streak=0)

    def after_privacy(self, *, is_private: bool) -> Self:
        """Learn that the panic key was pressed; what was live before it is not live after it without a new frame."""
        unsure = "Privacy has ended; no frame is swapped yet."
        return replace(self, is_private=is_private, unsure=unsure, live_streak=0, is_revealed=False)

    def after_reveal(self, *, is_revealed: bool) -> Self:
        """Learn that the reveal begins or ends; what is live is decided by the frames that came meanwhile."""
        return replace(self, is_revealed=is_revealed)

    def without_frame(self) -> Self:
        """Learn that there is no new frame where one is needed to be live: a repeat would show what was revealed."""
        return replace(self, unsure="The reveal has ended; no frame is swapped yet.", live_streak=0)


def judge(facts: Facts, policy: Policy) -> Verdict:
    """Name the state: the panic key first, then faults, a reveal, then doubts."""
    if facts.is_private:
        return Verdict(State.PRIVACY, "The panic key was pressed.", Cause.PRIVACY)
    fault = _fault(facts)
    if fault is not None:
        return fault
    if facts.is_revealed:
        return Verdict(State.REVEALED, "The reveal key was pressed: the camera is shown as it is.", None)
    if facts.unsure is not None:
        return Verdict(State.LOST, facts.unsure, Cause.NO_FACE if facts.has_begun else Cause.STARTING)
    if facts.live_streak < policy.live_after:
        return Verdict(State.LOST, f"Waiting for {policy.live_after} swapped frames in a row.", Cause.NO_FACE)
    return Verdict(State.LIVE, "Every chosen face is swapped.", None)


def _fault(facts: Facts) -> Verdict | None:
    if facts.outage is not None:
        return Verdict(State.FAULT, facts.outage, Cause.CAMERA)
    if facts.failure is None:
        return None
    return Verdict(State.FAULT, facts.failure.why, Cause.ENDED if facts.failure.is_final else Cause.SWAP)


def why_not_live(packet: FramePacket) -> str | None:
    """Say what this very frame lacks; None when each of its chosen faces is swapped and in the picture."""
    if not packet.chosen:
        return "No face is followed." if not packet.faces else "No followed face is chosen."
    missing = {face.id for face in packet.chosen} - {swapped.face_id for swapped in packet.swapped}
    if missing:
        return f"{len(missing)} of {len(packet.chosen)} chosen faces could not be swapped."
    if packet.composed is None:
        return "The swapped face is not in the picture."
    height, width = packet.image.shape[:2]
    swaps = {swapped.face_id: swapped for swapped in packet.swapped}
    bare = sum(covered_part(face, swaps[face.id], width, height) < _LEAST_COVER for face in packet.chosen)
    return f"{bare} of {len(packet.chosen)} chosen faces would show through their swap." if bare else None
