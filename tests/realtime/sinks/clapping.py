"""Frames that clap with the synthetic microphone, written to a sink in real time; all tests of sound share them."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from fractions import Fraction

import numpy as np

from mien.media.clap import SQUARE, is_clap
from mien.pipeline.frame import OutputFormat, OutputFrame, State
from mien.pipeline.sink_interfaces import Sink
from mien.provenance.release import ReleasedPicture
from mien.sound.hub import SoundHub
from mien.sound.microphone import MicrophoneRequest

FORMAT = OutputFormat(320, 180, Fraction(15))


def frame(number: int) -> OutputFrame:
    picture = np.full((FORMAT.height, FORMAT.width, 3), 40, np.uint8)
    if is_clap(number, FORMAT.fps):
        SQUARE.of(picture)[:] = 255
    return OutputFrame(ReleasedPicture.unswapped(picture), number, int(number * 1_000_000_000 / FORMAT.fps), State.LIVE)


def send(sink: Sink, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
    """Write frames in real time, numbered by the clock as the synthetic camera's are."""
    ends_s, last = time.monotonic() + seconds, -1
    while time.monotonic() < ends_s and not until():
        number = int(time.monotonic() * FORMAT.fps)
        if number > last:
            sink.write(frame(number))
            last = number
        time.sleep(0.005)


@contextmanager
def clapping_sound() -> Generator[SoundHub]:
    """Let a synthetic microphone be heard."""
    hub = SoundHub(MicrophoneRequest("synthetic", FORMAT.fps), lambda _: None, lambda _: None)
    hub.start()
    try:
        yield hub
    finally:
        hub.close()
