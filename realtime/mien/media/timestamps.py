"""Real times for the frames of a recording, whatever clocks they were stamped with."""

from fractions import Fraction
from typing import Final

JUMP_NS: Final = 1_000_000_000
"""A step of more than this against the clock of the writer is another clock, not a late frame."""


class Timeline:
    """Turns capture times into presentation times; has state: the last time given and how the clocks lie.

    Capture times are followed to the tick while they go forward. A card or the start of a file over again brings times
    of another clock: there the time that passed between the two writes is taken, and the new clock is followed on.
    """

    def __init__(self, time_base: Fraction) -> None:
        """Start at 0.

        Args:
            time_base: seconds that one tick of the answers lasts.
        """
        self._tick_ns = time_base * 1_000_000_000
        self._last_ns = -1
        self._last_pts = -1
        self._offset_ns = 0
        self._captured_ns = 0
        self._written_ns = 0

    def pts(self, captured_ns: int, now_ns: int) -> int:
        """Give the presentation time, in ticks, of a frame captured at `captured_ns` and written at `now_ns`.

        Larger than every time given before.
        """
        if self._last_pts < 0:
            self._offset_ns, shown_ns = -captured_ns, 0
        else:
            shown_ns = self._next_ns(captured_ns, max(0, now_ns - self._written_ns))
        self._last_ns, self._captured_ns, self._written_ns = shown_ns, captured_ns, now_ns
        self._last_pts = max(self._last_pts + 1, round(shown_ns / self._tick_ns))
        return self._last_pts

    def _next_ns(self, captured_ns: int, elapsed_ns: int) -> int:
        step_ns = captured_ns + self._offset_ns - self._last_ns
        if 0 < step_ns <= elapsed_ns + JUMP_NS:
            return self._last_ns + step_ns
        is_repeat = captured_ns == self._captured_ns or -JUMP_NS < step_ns <= 0
        if not is_repeat:
            self._offset_ns = self._last_ns + elapsed_ns - captured_ns
        return self._last_ns + elapsed_ns
