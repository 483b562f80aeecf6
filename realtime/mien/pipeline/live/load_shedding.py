"""Load shedding: under load the dearest optional part is left out first, and comes back after a calm while."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mien.pipeline.interfaces import HasParts, OptionalPart, Stage
from mien.pipeline.report import LoadChange

_OLDEST_INTERVALS: Final = 2.5
"""Frames may be this many frame intervals old: one waits, one is worked on, half a one is for what is uneven."""
_CALM_INTERVALS: Final = 2.0
"""A part may come back when frames would be no older than this with it."""
_CALM_FULL: Final = 0.85
"""A part may come back when the slowest stage would still take less than this of an interval with it."""
_SETTLING_FRAMES: Final = 31
"""So many frames are in a recent median: no judgement before it speaks of nothing but the present parts."""
_WARM_UP_FRAMES: Final = 2 * _SETTLING_FRAMES
_FIRST_CALM_S: Final = 10.0
_LONGEST_CALM_S: Final = 640.0
_SOON_S: Final = 60.0
"""A part that has to go within this time of its return must wait twice as long for the next one."""
_WORTH: Final = 0.02
"""A part that takes less than this of an interval is kept: leaving it out would be seen and not felt."""
_KEPT_CHANGES: Final = 1000


@dataclass(frozen=True, slots=True)
class Load:
    """How a run is doing, by the medians of about the last second."""

    age_ms: float
    """How old frames are when a sink has written them."""
    interval_ms: float
    """Between two frames of the source."""
    slowest_ms: float
    """What the slowest stage takes for a frame."""
    frames: int
    """How many frames have come through since the run began."""

    @property
    def allowed_ms(self) -> float:
        """How old frames may be."""
        return _OLDEST_INTERVALS * self.interval_ms

    def has_room_for(self, cost_ms: float) -> bool:
        """Whether one part more would do no harm."""
        is_young = self.age_ms + cost_ms <= _CALM_INTERVALS * self.interval_ms
        return is_young and self.slowest_ms + cost_ms <= _CALM_FULL * self.interval_ms

    @property
    def complaint(self) -> str | None:
        """Why a part must go; None when all is well."""
        if self.age_ms > self.allowed_ms:
            return f"frames were {self.age_ms:.0f} ms old, {self.allowed_ms:.0f} ms are allowed"
        if self.slowest_ms > self.interval_ms:
            return f"a stage took {self.slowest_ms:.0f} ms, frames come every {self.interval_ms:.0f} ms"
        return None


def parts_of(stages: Iterable[Stage]) -> tuple[OptionalPart, ...]:
    """Collect what stages offer to leave out; a stage that offers nothing is never touched."""
    return tuple(part for stage in stages if isinstance(stage, HasParts) for part in stage.parts)


class LoadShedding:
    """Switches optional parts off and on, one at a time. Has state: when each was switched, and all changes.

    One thread looks. A part that is off when this gets it was switched off by the user and stays off.
    """

    def __init__(self, parts: Sequence[OptionalPart]) -> None:
        self._rungs = [_SheddingStep(part) for part in parts if part.is_on]
        self._changes: deque[LoadChange] = deque(maxlen=_KEPT_CHANGES)
        self._judges_from = _WARM_UP_FRAMES

    def take(self, parts: Sequence[OptionalPart]) -> None:
        """Look after these from now on; what is off under load stays off in the part that takes its place."""
        before = {step.part.name: step for step in self._rungs}
        steps: list[_SheddingStep] = []
        for part in parts:
            known = before.get(part.name)
            if known is None or known.part is part:
                steps += [known or _SheddingStep(part)] if known is not None or part.is_on else []
                continue
            if part.is_on:
                part.switch(on=known.part.is_on)
                known.part = part
                steps.append(known)
        self._rungs = steps

    @property
    def left_out(self) -> tuple[str, ...]:
        """The parts that are off because of the load."""
        return tuple(step.part.name for step in self._rungs if not step.part.is_on)

    @property
    def changes(self) -> tuple[LoadChange, ...]:
        """What was dropped and restored, in order; the last 1000."""
        return tuple(self._changes)

    def look(self, now_s: float, load: Load) -> LoadChange | None:
        """Do at most one thing that the load asks for; call it about once a second."""
        if load.frames < self._judges_from:
            return None
        if load.complaint is not None:
            for step in self._rungs:
                step.calm_since_s = None
            return self._drop(now_s, load, load.complaint)
        return self._restore(now_s, load)

    def _drop(self, now_s: float, load: Load, complaint: str) -> LoadChange | None:
        worth = [step for step in self._rungs if step.part.is_on and step.cost_ms >= _WORTH * load.interval_ms]
        if not worth:
            return None
        step = max(worth, key=lambda step: (step.part.goes_first, step.cost_ms))
        step.drop(now_s)
        return self._note(now_s, load, step, "dropped", f"{step.part.name} is left out: {complaint}.")

    def _restore(self, now_s: float, load: Load) -> LoadChange | None:
        dropped = [step for step in self._rungs if not step.part.is_on]
        for step in sorted(dropped, key=lambda step: step.cost_ms):
            if step.has_been_calm(now_s, has_room=load.has_room_for(step.cost_ms)):
                step.restore(now_s)
                why = f"{step.part.name} is back: there was time for it during the last {step.calm_s:.0f} s."
                return self._note(now_s, load, step, "restored", why)
        return None

    def _note(self, now_s: float, load: Load, step: "_SheddingStep", change: str, why: str) -> LoadChange:
        self._judges_from = load.frames + _SETTLING_FRAMES
        self._changes.append(LoadChange(round(now_s, 3), step.part.name, change, why))
        return self._changes[-1]


class _SheddingStep:
    """One part, and when it went and came."""

    def __init__(self, part: OptionalPart) -> None:
        self.part = part
        self.calm_s = _FIRST_CALM_S
        self.calm_since_s: float | None = None
        self._restored_s: float | None = None

    @property
    def cost_ms(self) -> float:
        return self.part.cost_ms or 0.0

    def drop(self, now_s: float) -> None:
        """Leave the part out, for longer when its return was a mistake."""
        if self._restored_s is not None:
            was_soon = now_s - self._restored_s < _SOON_S
            self.calm_s = min(2 * self.calm_s, _LONGEST_CALM_S) if was_soon else _FIRST_CALM_S
        self.part.switch(on=False)

    def restore(self, now_s: float) -> None:
        """Use the part again."""
        self._restored_s, self.calm_since_s = now_s, None
        self.part.switch(on=True)

    def has_been_calm(self, now_s: float, *, has_room: bool) -> bool:
        """Say whether there was room for the part during all of the time that it has to wait."""
        if not has_room:
            self.calm_since_s = None
            return False
        if self.calm_since_s is None:
            self.calm_since_s = now_s
        return now_s - self.calm_since_s >= self.calm_s
