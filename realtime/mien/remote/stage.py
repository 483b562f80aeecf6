"""The stage that has frames swapped on another machine, and lets this one swap while the other is away."""

import dataclasses
import time
from collections.abc import Callable
from typing import Final, Protocol

from mien.pipeline.frame import Frame
from mien.remote.answers import LATE_NS, Answers
from mien_models.errors import AwayError

REMOTE: Final = "remote"
_HEALTHY_NS: Final = 3_000_000_000
"""So long the other machine must have been well before this one stops swapping for it."""
_STEADY_NS: Final = 500_000_000
"""Nor does a card come and go with a line that does: so long answers must have come before they are shown again."""
_WAIT_PART: Final = 0.7
"""A frame waits for an answer for this part of a frame interval; the rest is for what comes after."""
_LONGEST_WAIT_S: Final = 0.05
_FIRST_INTERVAL_NS: Final = 33_000_000


class Line(Protocol):
    """What the stage sends by."""

    answers: Answers

    def send(self, frame: Frame) -> None:
        """Send a frame if there is a line; never waits."""
        ...


class RemoteStage:
    """Sends each frame away and gives the newest that is back, which is an older one. Has state: how the line does.

    Several frames are on their way at a time, so it does not wait for the one it was called with. Where nothing new is
    back, it gives the frame the number of the last one, which the next stage passes over: what was shown stays. Half a
    second after the newest answer's capture it gives up: frames go on to the stages of this machine, or fail.
    """

    name = REMOTE

    def __init__(
        self,
        line: Line,
        why_away: Callable[[], str],
        *,
        takes_over: bool,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Take the line, what is said while it is away, and whether the stages of this machine swap meanwhile."""
        self._line, self._why_away, self._takes_over, self._clock_ns = line, why_away, takes_over, clock_ns
        self._last_index = self._learned_index = -1
        self._answered_ns: int | None = None
        self._well_since_ns: int | None = None
        self._is_away, self._was_there, self._has_swapped = True, False, False
        self._before_ns: int | None = None
        self._interval_ns: float = _FIRST_INTERVAL_NS

    @property
    def is_local(self) -> bool:
        """Whether this machine swaps for now."""
        return self._is_away and self._takes_over

    def __call__(self, frame: Frame) -> Frame:
        """Send a frame; give the newest that is back.

        Raises:
            AwayError: the other machine is late, and this one does not swap meanwhile.
        """
        self._learn_interval(frame.captured_ns)
        self._line.send(frame)
        wait_s = 0.0 if self._is_away else min(self._interval_ns * _WAIT_PART / 1e9, _LONGEST_WAIT_S)
        answered = self._line.answers.newer_than(self._learned_index, wait_s)
        if answered is not None:
            self._learned_index, self._answered_ns = answered.index, answered.captured_ns
            self._has_swapped = self._has_swapped or answered.composed is not None
        self._judge()
        if self._is_away:
            return self._without(frame)
        self._was_there = True
        if answered is None or answered.index <= self._last_index:
            return dataclasses.replace(frame, index=self._last_index)
        self._last_index = answered.index
        return answered

    def _learn_interval(self, captured_ns: int) -> None:
        if self._before_ns is not None and captured_ns > self._before_ns:
            self._interval_ns += (min(captured_ns - self._before_ns, LATE_NS) - self._interval_ns) / 8
        self._before_ns = captured_ns

    def _judge(self) -> None:
        """Learn whether the other machine is there, and whether it may swap.

        The first time as soon as it swaps: it has to find the face first, and this machine may have it already. Later
        after a moment, or after three seconds where this machine swaps meanwhile, so that the face does not change to
        and fro with a line that comes and goes.
        """
        now_ns = self._clock_ns()
        if self._answered_ns is None or now_ns - self._answered_ns > LATE_NS:
            self._is_away, self._well_since_ns = True, None
            return
        self._well_since_ns = self._well_since_ns or now_ns
        probation_ns = _HEALTHY_NS if self._takes_over else _STEADY_NS
        if (not self._was_there and self._has_swapped) or now_ns - self._well_since_ns >= probation_ns:
            self._is_away = False

    def _without(self, frame: Frame) -> Frame:
        if not self._takes_over:
            raise AwayError(self._why_away())
        self._last_index = frame.index
        return frame
