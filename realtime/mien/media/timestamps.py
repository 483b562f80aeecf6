"""Times of the frames of a film, and how steady they are."""

from fractions import Fraction
from typing import Final

import av
from av.video.stream import VideoStream

_DEFAULT_RATE: Final = Fraction(30)


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
