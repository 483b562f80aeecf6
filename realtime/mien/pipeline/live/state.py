"""When the program is live, when it is not, and what is shown then: values and pure functions."""

from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Self

import numpy as np

from mien.config.choices import Show
from mien.pipeline.frame import Frame, State
from mien_models.errors import FinalError, MienError, ModelError
from mien_models.types import Face, SwappedFace

_OPAQUE: Final = 127
"""Alpha above this counts as hidden."""


_FARTHEST: Final = 1e5
"""Pixels and factors beyond this are no placement but a mistake."""


def covered_part(face: Face, swapped: SwappedFace, width: int, height: int) -> float:
    """Give the part, 0..1, of the face's box inside a `width` x `height` frame that the swap covers.

    A crop that is transparent or lies elsewhere covers nothing, whatever its maker says. A face that is wholly outside
    the frame is covered: there is nothing of it to see.
    """
    if not (np.isfinite(face.box_xyxy).all() and np.abs(swapped.frame_from_crop).max() < _FARTHEST):
        return 0.0
    left, top, right, bottom = np.clip(face.box_xyxy.astype(np.float64), 0, [width, height, width, height])
    area_px = (right - left) * (bottom - top)
    linear, shift = swapped.frame_from_crop[:, :2], swapped.frame_from_crop[:, 2]
    scale = abs(float(np.linalg.det(linear)))
    if area_px < 1:
        return 1.0
    if scale < 1 / _FARTHEST:
        return 0.0
    corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]]) - shift
    in_crop = np.clip(corners @ np.linalg.inv(linear).T, 0, swapped.alpha.shape[::-1])
    first_column, first_row = np.floor(in_crop.min(axis=0)).astype(int)
    last_column, last_row = np.ceil(in_crop.max(axis=0)).astype(int)
    hidden = swapped.alpha[first_row:last_row, first_column:last_column] > _OPAQUE
    return min(float(np.count_nonzero(hidden)) * scale / float(area_px), 1.0)


_LEAST_COVER: Final = 0.2
"""A swap that hides less of its face's box than this shows the real face; the mesh hid 0.52 and more in seven clips."""


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
    is_away: bool = False
    """Whether something is away that comes back by itself: the run waits for it, and nothing old is held meanwhile."""


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

    def after_frame(self, frame: Frame, failure: StageFailure | None) -> Self:
        """Learn from a frame that came through, or on which a stage failed."""
        unsure = why_not_live(frame) if failure is None else None
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


def why_not_live(frame: Frame) -> str | None:
    """Say what this very frame lacks; None when each of its chosen faces is swapped and in the picture."""
    if not frame.chosen:
        return "No face is followed." if not frame.faces else "No followed face is chosen."
    missing = {face.id for face in frame.chosen} - {swapped.face_id for swapped in frame.swapped}
    if missing:
        return f"{len(missing)} of {len(frame.chosen)} chosen faces could not be swapped."
    if frame.composed is None:
        return "The swapped face is not in the picture."
    height, width = frame.image.shape[:2]
    swaps = {swapped.face_id: swapped for swapped in frame.swapped}
    background = sum(covered_part(face, swaps[face.id], width, height) < _LEAST_COVER for face in frame.chosen)
    return f"{background} of {len(frame.chosen)} chosen faces would show through their swap." if background else None


_GIVE_UP_NS: Final = 30_000_000_000
"""A stage that has failed on every frame for this long does not come back by itself."""


_APART_NS: Final = 5_000_000_000
"""After so long without a frame, one that fails begins anew."""


_CARD_NS: Final = 1_500_000_000
"""So long the card is shown where the run may not go on, so that it is the last that anybody sees."""


def given_up(failing: StageFailure | None, since_ns: int | None, now_ns: int) -> MienError | None:
    """Give the error with which a run ends whose stage has failed since then; None while it may go on."""
    if failing is None or since_ns is None:
        return None
    if failing.is_final:
        return final_error(failing) if now_ns - since_ns > _CARD_NS else None
    if now_ns - since_ns <= _GIVE_UP_NS:
        return None
    return ModelError(f"{failing.why} It failed on every frame for 30 s: the run has ended.")


def final_error(failing: StageFailure | None) -> MienError | None:
    """Give the error of a run that may not go on, however else it ends; None for every other."""
    return FinalError(failing.why) if failing is not None and failing.is_final else None


@dataclass(frozen=True, slots=True)
class _Failing:
    """What every frame has failed by since a moment; one value, for another thread judges it than learns of it."""

    failure: StageFailure
    since_ns: int
    until_ns: int
    """When the newest of those frames failed; none may come for a while, when the camera is unplugged."""

    def goes_on(self, failure: StageFailure, now_ns: int) -> bool:
        """Whether a frame that fails now is one more of these."""
        return self.failure.is_final is failure.is_final and now_ns - self.until_ns < _APART_NS


class Failures:
    """How the frames of a run fare. Has state: what they fail by now, and the counts. One thread learns, any asks."""

    def __init__(self) -> None:
        self._now: _Failing | None = None
        self.counts: Counter[str] = Counter()
        """On how many frames each stage has failed."""

    def learn(self, failure: StageFailure | None, now_ns: int) -> None:
        """Learn how the newest frame fared; a failure that ends the run has a time of its own."""
        before = self._now
        if failure is None:
            self._now = None
            return
        self.counts[failure.stage] += 1
        if failure.is_away:
            self._now = None
            return
        since_ns = now_ns if before is None or not before.goes_on(failure, now_ns) else before.since_ns
        self._now = _Failing(failure, since_ns, now_ns)

    def given_up(self, now_ns: int) -> MienError | None:
        """Give the error with which the run ends now, see `given_up`; a while without frames is no failure."""
        failing = self._now
        if failing is None:
            return None
        return given_up(failing.failure, failing.since_ns, now_ns if failing.failure.is_final else failing.until_ns)

    @property
    def final_error(self) -> MienError | None:
        """Give the error of a run that may not go on, however else it ends; None for every other."""
        failing = self._now
        return None if failing is None else final_error(failing.failure)
