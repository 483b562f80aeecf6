"""A file that plays as a camera: its own pace, round after round, without catching up."""

from fractions import Fraction
from itertools import pairwise
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from mien.pipeline.frame import UNNUMBERED, Frame
from mien.pipeline.interfaces import End, SourceInfo
from mien.sources.pacing import PacedSource
from mien_models.errors import SourceError


class Clock:
    def __init__(self) -> None:
        self.now_ns = 5_000_000_000

    def __call__(self) -> int:
        return self.now_ns

    def wait(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


class Film:
    """Frames at given milliseconds; a None is a picture that cannot be read."""

    def __init__(self, times_ms: list[int | None], clock: Clock, decode_ms: int = 0) -> None:
        self.times_ms, self.clock, self.decode_ms = times_ms, clock, decode_ms
        self.entered = 0
        self.position = 0

    @property
    def info(self) -> SourceInfo:
        return SourceInfo("film", 4, 4, Fraction(25), len(self.times_ms), is_live=False)

    def __enter__(self) -> Self:
        self.entered += 1
        self.position = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def read(self) -> Frame | None:
        if self.position == len(self.times_ms):
            return None
        self.clock.now_ns += self.decode_ms * 1_000_000
        index, time_ms = self.position, self.times_ms[self.position]
        self.position += 1
        if time_ms is None:
            raise SourceError("'b.png' is no picture.")
        return Frame(np.full((4, 4, 3), index, np.uint8), UNNUMBERED, time_ms * 1_000_000)


def play(source: PacedSource, frames: int) -> list[Frame]:
    played: list[Frame] = []
    while len(played) < frames:
        answer = source.read(0.1)
        if isinstance(answer, Frame):
            played.append(answer)
        assert not isinstance(answer, End)
    return played


def test_frames_come_when_they_are_due_whatever_the_steps_between_them() -> None:
    clock = Clock()
    with PacedSource(Film([0, 40, 60, 500], clock), clock_ns=clock, wait=clock.wait) as source:
        played = play(source, 4)
    assert [frame.captured_ns - 5_000_000_000 for frame in played] == [0, 40_000_000, 60_000_000, 500_000_000]
    assert [int(frame.image[0, 0, 0]) for frame in played] == [0, 1, 2, 3]


def test_a_round_follows_the_other_without_a_jump() -> None:
    clock = Clock()
    film = Film([0, 40, 80], clock)
    with PacedSource(film, clock_ns=clock, wait=clock.wait) as source:
        played = play(source, 9)
    assert {b.captured_ns - a.captured_ns for a, b in pairwise(played)} == {40_000_000}
    assert film.entered == 3


def test_without_rounds_the_end_is_an_end() -> None:
    clock = Clock()
    with PacedSource(Film([0, 40], clock), loops=False, clock_ns=clock, wait=clock.wait) as source:
        play(source, 2)
        assert isinstance(source.read(0.1), End)
        assert isinstance(source.read(0.1), End)


def test_a_film_that_decodes_too_slowly_plays_slowly_and_stamps_the_present() -> None:
    clock = Clock()
    with PacedSource(Film([0, 40, 80, 120], clock, decode_ms=200), clock_ns=clock, wait=clock.wait) as source:
        for frame in (play(source, 1)[0] for _ in range(4)):
            assert clock.now_ns - frame.captured_ns < 50_000_000


def test_a_single_picture_is_read_once_and_shown_for_ever() -> None:
    clock = Clock()
    film = Film([0], clock)
    with PacedSource(film, clock_ns=clock, wait=clock.wait) as source:
        played = play(source, 50)
    assert film.entered == 1
    assert {b.captured_ns - a.captured_ns for a, b in pairwise(played)} == {40_000_000}


def test_a_picture_that_cannot_be_read_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    with PacedSource(Film([0, None, 80], clock), clock_ns=clock, wait=clock.wait) as source:
        assert [frame.image[0, 0, 0] for frame in play(source, 2)] == [0, 2]
    assert "'b.png' is no picture. It is left out." in caplog.text


def test_a_wait_is_no_longer_than_told() -> None:
    clock = Clock()
    with PacedSource(Film([0, 5000], clock), clock_ns=clock, wait=clock.wait) as source:
        play(source, 1)
        before_ns = clock()
        assert source.read(0.1) is None
        assert clock() - before_ns == 100_000_000


def test_the_loop_may_begin_it_when_it_is_ready() -> None:
    clock = Clock()
    with PacedSource(Film([0], clock), clock_ns=clock, wait=clock.wait) as source:
        assert not source.info.is_live


class LongEnding(Film):
    """A film whose last frame stays."""

    length_ns = 500_000_000


def test_the_last_frame_stays_as_long_as_the_film_says_before_the_next_round() -> None:
    clock = Clock()
    with PacedSource(LongEnding([0, 40], clock), clock_ns=clock, wait=clock.wait) as source:
        starts_ms = [round((packet.captured_ns - 5_000_000_000) / 1e6) for packet in shown(source, 5)]
    assert starts_ms == [0, 40, 500, 540, 1000]


def test_the_last_frame_stays_as_long_as_the_film_says_before_the_end() -> None:
    clock = Clock()
    with PacedSource(LongEnding([0, 40], clock), loops=False, clock_ns=clock, wait=clock.wait) as source:
        shown(source, 2)
        assert source.read(0.1) is None
        while not isinstance(source.read(0.1), End):
            pass
    assert clock.now_ns == 5_500_000_000


def shown(source: PacedSource, count: int) -> list[Frame]:
    packets: list[Frame] = []
    while len(packets) < count:
        packet = source.read(1.0)
        if isinstance(packet, Frame):
            packets.append(packet)
    return packets
