"""Threads that carry frames through the stages, joined by mailboxes of one frame."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import Stage
from mien.pipeline.live.state import StageFailure
from mien.pipeline.mailbox import Mailbox
from mien.pipeline.metrics import Histogram
from mien_models.errors import AwayError, FinalError, MienError
from mien_models.system.crash.edge import edge, fault

_FULL: Final = 0.7
"""A thread may be busy for this part of a frame interval; the rest absorbs slow frames."""


_SLACK: Final = 0.15
"""A grouping is kept until it is this far out, so that noise does not make threads come and go."""


Groups = tuple[tuple[int, ...], ...]
"""Stages by their place, for instance ((0, 1), (2,)): the first two share a thread."""


def group_stages(costs_ms: Sequence[float], interval_ms: float, *, full: float = _FULL) -> Groups:
    """Share threads between neighbours while the sum of their costs stays under `full` of the frame interval.

    Taking as many as fit from the left gives the fewest threads. A stage that alone costs more has a thread of its own.
    """
    groups: list[tuple[int, ...]] = []
    filled_ms = 0.0
    for place, cost_ms in enumerate(costs_ms):
        if groups and filled_ms + cost_ms < full * interval_ms:
            groups[-1] = (*groups[-1], place)
            filled_ms += cost_ms
        else:
            groups.append((place,))
            filled_ms = cost_ms
    return tuple(groups)


def regroup(present: Groups, costs_ms: Sequence[float], interval_ms: float) -> Groups:
    """Give the grouping to go on with: the present one unless it is clearly too tight or clearly too loose."""
    sums = [sum(costs_ms[place] for place in group) for group in present if len(group) > 1]
    if any(total >= _FULL * (1 + _SLACK) * interval_ms for total in sums):
        return group_stages(costs_ms, interval_ms)
    looser = group_stages(costs_ms, interval_ms, full=_FULL * (1 - _SLACK))
    return looser if len(looser) < len(present) else present


Deliver = Callable[[Frame, StageFailure | None], None]
"""Takes each frame that came through; with a failure, the frame as it was before the stage that failed."""


_WARM_UP_FRAMES: Final = 20


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """A frame between two threads."""

    frame: Frame
    failure: StageFailure | None = None


@dataclass(frozen=True, slots=True)
class Unused:
    """Keeps the place of a stage that is left out for now, so that it can be put in while frames pass."""

    name: str

    def __call__(self, frame: Frame) -> Frame:
        """Pass the frame on as it is."""
        return frame


class Pipeline:
    """Runs the stages, each frame in order, the newest first when there is no time for all.

    Every stage has a mailbox and a thread that waits there. The thread that took a frame carries it on through every
    following stage of its group, and lays it in the next group's mailbox; threads inside a group sleep. So a new
    grouping is one assignment, seen at the next hand-over: nothing stops, nothing is drained. A frame that would pass
    another at that moment cannot: each stage runs under a lock and drops a frame older than the one it had last.

    `put` counts in; each frame put in is delivered once or counted by `dropped_by` once.

    `replace` puts other stages into the places of those of the same name, all of them between the same two frames: a
    frame that is on its way goes through the old ones to its end.
    """

    def __init__(self, stages: Sequence[Stage], deliver: Deliver) -> None:
        """Take the stages in order; `deliver` is called by one thread at a time, in order of capture."""
        self._stages = [_StageStep(stage) for stage in stages]
        self._all: list[_Step] = [*self._stages, _OutputStep(deliver)]
        self._entrance = threading.Lock()
        self._next_index = 0
        self._groups: Groups = tuple((place,) for place in range(len(self._all)))
        self._starts = frozenset(range(len(self._all)))
        self.error: MienError | None = None
        """Why a thread of it has ended before its time; None while all is well."""
        self._threads = [
            threading.Thread(target=self._work, args=(place,), name=f"mien-{step.name}", daemon=True)
            for place, step in enumerate(self._all)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def put(self, frame: Frame) -> None:
        """Lay the newest frame before the first stage."""
        with self._entrance:
            self._next_index = frame.index + 1
            self._all[0].mailbox.put(Carried(frame))

    def replace(self, stages: Iterable[Stage]) -> None:
        """Let these work in the places of the stages of the same names, from the next frame that is put in on.

        Raises:
            KeyError: there is no place of that name; nothing was replaced.
        """
        places = {step.name: step for step in self._stages}
        chosen = [(places[stage.name], stage) for stage in stages]
        with self._entrance:
            for step, stage in chosen:
                step.replace(stage, from_index=self._next_index)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that the next frame will go through."""
        return tuple(step.newest for step in self._stages if not isinstance(step.newest, Unused))

    def close(self) -> None:
        """Take no more frames; those on their way are still delivered, then the threads end one after another."""
        self._all[0].mailbox.close()

    def join(self, timeout_s: float) -> bool:
        """Wait for the threads; False when a stage still hangs after `timeout_s` each."""
        for thread in self._threads:
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)

    def replan(self, interval_ms: float) -> Groups | None:
        """Group the stages anew by what they cost lately; None when nothing changes or it is too early to tell."""
        if any(step.is_used and step.times.count < _WARM_UP_FRAMES for step in self._all):
            return None
        known = [(step.times.recent_median_ms or 0.0) if step.is_used else 0.0 for step in self._all]
        groups = regroup(self._groups, known, interval_ms)
        if groups == self._groups:
            return None
        self._groups, self._starts = groups, frozenset(group[0] for group in groups)
        return groups

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The names of the stages that share a thread."""
        return tuple(tuple(self._all[place].name for place in group) for group in self._groups)

    @property
    def times(self) -> Mapping[str, Histogram]:
        """What each stage costs, the output included; without those that never worked."""
        return {step.name: step.times for step in self._all if step.is_used or step.times.count}

    @property
    def slowest_ms(self) -> float | None:
        """What the slowest stage lately took for a frame, by its median; None before the first frame."""
        costs = (step.times.recent_median_ms for step in self._all if step.is_used)
        return max((cost_ms for cost_ms in costs if cost_ms is not None), default=None)

    @property
    def dropped_by(self) -> Mapping[str, int]:
        """How many frames were displaced before each stage, or would have overtaken another there."""
        return {step.name: step.mailbox.dropped + step.overtaken for step in self._all}

    def _work(self, first: int) -> None:
        mailbox = self._all[first].mailbox
        with edge("The stages failed", self._fail):
            while (carried := mailbox.get()) is not None:
                self._carry(carried, first)
        if first + 1 < len(self._all):
            self._all[first + 1].mailbox.close()

    def _fail(self, error: MienError) -> None:
        self.error = error

    def _carry(self, carried: Carried | None, first: int) -> None:
        for place in itertools.count(first):
            carried = self._all[place].run(carried) if carried is not None else None
            if carried is None or place + 1 == len(self._all):
                return
            if place + 1 in self._starts:
                self._all[place + 1].mailbox.put(carried)
                return


class _Step:
    """A step of a frame's way with its mailbox, its clock and the rule that keeps frames in order."""

    is_used = True
    """Whether there is anything to do here."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.mailbox = Mailbox[Carried](name)
        self.times = Histogram()
        self.overtaken = 0
        self._lock = threading.Lock()
        self._last_index = -1

    def run(self, carried: Carried) -> Carried | None:
        """Run the step, one frame at a time; None for a frame that a newer one has overtaken."""
        with self._lock:
            if carried.frame.index <= self._last_index:
                self.overtaken += 1
                return None
            self._last_index = carried.frame.index
            started_ns = time.monotonic_ns()
            done = self._apply(carried)
            if self.is_used and done.failure is None:
                self.times.record_ms((time.monotonic_ns() - started_ns) / 1e6)
            return done

    def _apply(self, carried: Carried) -> Carried:
        raise NotImplementedError


class _StageStep(_Step):
    """A stage, and those that will follow it in its place, each from a frame of its own on."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.name)
        self._stage = self.newest = stage
        self._coming: deque[tuple[int, Stage]] = deque()
        self.is_used = not isinstance(stage, Unused)

    def replace(self, stage: Stage, *, from_index: int) -> None:
        """Use `stage` for the frame of that index and all that follow; a frame before it goes through the old one."""
        self.newest = stage
        self._coming.append((from_index, stage))

    def _apply(self, carried: Carried) -> Carried:
        while self._coming and self._coming[0][0] <= carried.frame.index:
            self._stage = self._coming.popleft()[1]
            self.is_used = not isinstance(self._stage, Unused)
        if carried.failure is not None:
            return carried
        stage = self._stage
        try:
            return Carried(stage(carried.frame))
        except BaseException as error:  # noqa: BLE001 - the edge of a thread: a frame may fail, the camera goes on
            why = fault(error, f"The stage {stage.name!r} failed")
            return Carried(carried.frame, _failure(stage.name, why))


def _failure(stage_name: str, why: MienError) -> StageFailure:
    return StageFailure(stage_name, str(why), is_final=isinstance(why, FinalError), is_away=isinstance(why, AwayError))


class _OutputStep(_Step):
    """Hands each frame over; what cannot be shown is hidden."""

    def __init__(self, deliver: Deliver) -> None:
        super().__init__("output")
        self._deliver = deliver

    def _apply(self, carried: Carried) -> Carried:
        try:
            self._deliver(carried.frame, carried.failure)
        except BaseException as error:  # noqa: BLE001 - the edge of a thread: what cannot be shown is hidden
            why = fault(error, "The picture could not be put out")
            self._deliver(carried.frame, StageFailure("output", str(why)))
        return carried
