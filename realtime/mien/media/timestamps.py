"""Real times for the frames of a recording, whatever clocks they were stamped with."""

from fractions import Fraction
from typing import Final

import av
from av.video.stream import VideoStream

_DEFAULT_RATE: Final = Fraction(30)
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


class FrameTimes:
    """Gives every frame a time after that of the one before; keeps the last."""

    def __init__(self, time_base: Fraction, start_s: Fraction, rate: Fraction | None) -> None:
        """Count from `start_s` of the file in ticks of `time_base` seconds.

        `rate` says how soon a frame follows where the file does not.
        """
        self._start = round(start_s / time_base)
        self.step: Final = max(1, round(1 / ((rate or _DEFAULT_RATE) * time_base)))
        """Ticks from one frame to the next where the file does not say."""
        self.end = 0
        """When the last frame ends."""
        self._last: int | None = None

    def ticks(self, frame: av.VideoFrame) -> int:
        """Give a frame's time from the start of the file."""
        after = 0 if self._last is None else self._last + self.step
        shown = after if frame.pts is None else max(0, frame.pts - self._start)
        if self._last is not None and shown <= self._last:
            shown = self._last + max(1, self.step // 2)
        self._last, self.end = shown, shown + (frame.duration or self.step)
        return shown


def steady_rate(stream: VideoStream) -> Fraction | None:
    """Give the rate, or None where the smallest step between frames and their mean do not agree to 2 %."""
    mean, smallest = stream.average_rate, stream.base_rate
    if mean is None or mean <= 0:
        return None
    if smallest and abs(float(smallest / mean) - 1) > 0.02:
        return None
    return mean
