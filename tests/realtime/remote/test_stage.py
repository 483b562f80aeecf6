"""What is shown while frames are away: judged by colour, with a clock that the test turns."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from tests.realtime.remote.remote_rig import HEIGHT, WIDTH, Paint, plain

from mien.config.choices import Show
from mien.pipeline.frame import Frame, Outgoing, OutputFormat
from mien.pipeline.live.output import Output
from mien.pipeline.live.state import Failures, Policy, StageFailure
from mien.remote.answers import Answers
from mien.remote.protocol import SeenFace, Swapped
from mien.remote.sent_picture import stamped
from mien.remote.stage import RemoteStage
from mien.session.stages import unless_elsewhere
from mien_models.errors import AwayError

RED = (40, 40, 200)
"""The real face."""
GREEN = (40, 200, 60)
"""The face of the other machine."""
BLUE = (200, 60, 40)
"""The face of this machine."""
FRAME_NS = 33_000_000


class Away:
    """A line whose other end the test is."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000
        self.answers = Answers(lambda: self.now_ns)
        self.sent: list[tuple[int, Frame]] = []
        self.is_up = True

    def send(self, frame: Frame) -> None:
        if self.is_up:
            self.sent.append((self.answers.number(frame, WIDTH), frame))

    def answer(self, number: int, *, told: bool = True, picture: bool = True, is_swapped: bool = True) -> None:
        if picture:
            self.answers.take_picture(stamped(plain(GREEN), number))
        if told:
            self.answers.take_told(told_of(number, is_swapped=is_swapped))


def told_of(number: int, *, is_swapped: bool = True) -> Swapped:
    face = SeenFace(
        id=7, box=(40, 24, 120, 72), points=((60, 40), (100, 40), (80, 50), (65, 60), (95, 60)), pose=(0, 0, 0),
        score=0.9, is_chosen=True,
    )  # fmt: skip
    return Swapped(number=number, faces=(face,), is_swapped=is_swapped, wait_ms=1, swap_ms=2)


class Show30:
    """The remote stage, the stages of this machine and the output, at thirty frames a second."""

    def __init__(self, away: Away, *, takes_over: bool) -> None:
        self.away, self.index = away, 0
        self.stage = RemoteStage(away, lambda: "away", takes_over=takes_over, clock_ns=lambda: away.now_ns)
        self.local = unless_elsewhere(Paint(BLUE))
        self.last_index = -1
        self.seen: list[Outgoing] = []
        self.output = Output(
            OutputFormat(WIDTH, HEIGHT, Fraction(30)),
            Policy(),
            lambda picture, _at_ns: picture.released(lambda image: image),
            self.seen.append,
            lambda _verdict: None,
            clock_ns=lambda: away.now_ns,
        )
        self.output.begin()

    def step(self, answer: Callable[[int], object] | None = None) -> None:
        frame = Frame(plain(RED), self.index, self.away.now_ns)
        self.index += 1
        failure = None
        try:
            done = self.stage(frame)
        except AwayError as error:
            done, failure = frame, StageFailure("remote", str(error), is_away=True)
        if done.index > self.last_index:
            self.last_index = done.index
            self.output.deliver(done if failure is not None else self.local(done), failure)
        self.away.now_ns += FRAME_NS
        self.output.repeat_if_quiet()
        if answer is not None and self.away.sent:
            answer(self.away.sent[-1][0])

    def steps(self, count: int, answer: Callable[[int], object] | None = None) -> list[str]:
        before = len(self.seen)
        for _ in range(count):
            self.step(answer)
        return [colour_of(one) for one in self.seen[before:]]


def colour_of(outgoing: Outgoing) -> str:
    mean = outgoing.frame.image.reshape(-1, 3).mean(axis=0)
    for name, colour in (("real", RED), ("there", GREEN), ("here", BLUE)):
        if np.abs(mean - np.array(colour)).max() < 30:
            return name
    return "card or mixed"


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.remote.stage._LONGEST_WAIT_S", 0.0)


def test_until_the_other_machine_answers_there_is_a_card() -> None:
    show = Show30(Away(), takes_over=False)
    assert set(show.steps(100)) == {"card or mixed"}


def test_until_the_other_machine_answers_this_one_swaps_where_it_may() -> None:
    show = Show30(Away(), takes_over=True)
    assert set(show.steps(60)[10:]) == {"here"}


def test_while_answers_come_they_are_shown() -> None:
    away = Away()
    show = Show30(away, takes_over=False)
    show.steps(5, away.answer)
    assert set(show.steps(60, away.answer)[12:]) == {"there"}


def test_half_a_second_without_answers_ends_the_picture_at_once() -> None:
    """Nor is it held: what is late is not shown for longer."""
    away = Away()
    show = Show30(away, takes_over=False)
    show.steps(60, away.answer)
    during = show.steps(60)
    assert set(during[17:]) == {"card or mixed"}
    assert "real" not in during
    back = show.steps(60, away.answer)
    assert set(back[:15]) == {"card or mixed"}  # a moment of answers is not enough
    assert set(back[35:]) == {"there"}
    assert "real" not in back


def test_this_machine_takes_over_and_gives_back_after_three_good_seconds() -> None:
    away = Away()
    show = Show30(away, takes_over=True)
    show.steps(60, away.answer)
    assert set(show.steps(40)[30:]) == {"here"}
    assert set(show.steps(60, away.answer)[15:]) == {"here"}  # two seconds of answers are not enough
    show.steps(40, away.answer)
    assert set(show.steps(20, away.answer)) == {"there"}
    assert not show.stage.is_local


def test_a_line_that_comes_and_goes_does_not_change_the_face_to_and_fro() -> None:
    away = Away()
    show = Show30(away, takes_over=True)
    show.steps(60, away.answer)
    show.steps(40)
    for _ in range(4):
        assert set(show.steps(40, away.answer)[15:]) <= {"here"}
        show.steps(20)


def _stranger(away: Away, number: int) -> None:
    away.answer(number + 1000)


def _without_words(away: Away, number: int) -> None:
    away.answer(number, told=False)


def _without_picture(away: Away, number: int) -> None:
    away.answer(number, picture=False)


def _not_swapped(away: Away, number: int) -> None:
    away.answer(number, is_swapped=False)


def _words_of_another(away: Away, number: int) -> None:
    away.answers.take_picture(stamped(plain(GREEN), number))
    away.answers.take_told(told_of(number + 1))


def _without_strip(away: Away, number: int) -> None:
    away.answers.take_picture(plain(GREEN, WIDTH, HEIGHT + 24))
    away.answers.take_told(told_of(number))


@pytest.mark.parametrize(
    "answer", [_stranger, _without_words, _without_picture, _not_swapped, _words_of_another, _without_strip]
)
def test_what_does_not_fit_is_never_shown(answer: Callable[[Away, int], object]) -> None:
    away = Away()
    show = Show30(away, takes_over=False)
    seen = show.steps(90, lambda number: answer(away, number))
    assert set(seen) == {"card or mixed"}


def test_an_answer_that_is_late_is_not_shown() -> None:
    away = Away()
    show = Show30(away, takes_over=False)
    show.steps(3)
    first = away.sent[0][0]
    away.now_ns += 600_000_000
    away.answer(first)
    assert away.answers.newer_than(-1, 0) is None


def test_answers_in_another_order_go_forwards_only() -> None:
    away = Away()
    show = Show30(away, takes_over=False)
    show.steps(20, away.answer)
    for number in (away.sent[-1][0], away.sent[-3][0], away.sent[-2][0]):
        away.answer(number)
    newest = away.answers.newer_than(-1, 0)
    assert newest is not None
    assert newest.index == away.sent[-1][1].index


def test_a_smaller_picture_is_brought_back_to_the_frames_size() -> None:
    away = Away()
    frame = Frame(plain(RED), 0, away.now_ns)
    number = away.answers.number(frame, WIDTH // 2)
    away.answers.take_picture(stamped(plain(GREEN, WIDTH // 2, HEIGHT // 2), number))
    away.answers.take_told(told_of(number))
    newest = away.answers.newer_than(-1, 0)
    assert newest is not None
    assert newest.composed is not None
    assert newest.composed.size == (WIDTH, HEIGHT)
    assert newest.faces[0].box_xyxy.tolist() == [80, 48, 240, 144]
    assert newest.faces[0].five_points[0].tolist() == [120, 80]


def test_a_run_waits_for_a_machine_that_is_away_for_as_long_as_it_takes() -> None:
    failures, gone = Failures(), StageFailure("remote", "away", is_away=True)
    for second in range(100):
        failures.learn(gone, second * 1_000_000_000)
        assert failures.given_up(second * 1_000_000_000) is None
    broken = replace(gone, is_away=False)
    failures.learn(broken, 0)
    failures.learn(broken, 4_000_000_000)
    assert failures.given_up(4_000_000_000) is None


def test_a_policy_of_holding_the_picture_is_kept_to() -> None:
    away = Away()
    show = Show30(away, takes_over=False)
    show.output.replace(policy=Policy(fault=Show.FREEZE))
    show.steps(60, away.answer)
    assert set(show.steps(60)[2:]) == {"there"}


def _frames_away(away: Away, count: int, back_ns: int) -> None:
    """Send frames, of which all but the last are back after a while."""
    for index in range(count):
        away.send(Frame(plain(RED), index, away.now_ns))
        away.now_ns += back_ns
        if index < count - 1:
            away.answer(index)


def test_the_answer_that_is_likely_in_a_moment_is_waited_for_although_an_older_one_is_there() -> None:
    away = Away()
    _frames_away(away, 6, 20_000_000)
    later = threading.Timer(0.1, lambda: away.answer(5))
    later.start()
    found = away.answers.newer_than(3, 5.0)
    later.join()
    assert found is not None
    assert found.index == 5


def test_where_the_likely_answer_does_not_come_the_older_one_is_shown() -> None:
    away = Away()
    _frames_away(away, 6, 20_000_000)
    found = away.answers.newer_than(3, 0.05)
    assert found is not None
    assert found.index == 4


def test_an_answer_that_cannot_be_there_in_time_is_not_waited_for() -> None:
    away = Away()
    _frames_away(away, 5, 200_000_000)
    away.answer(4)
    away.send(Frame(plain(RED), 5, away.now_ns))
    began_s = time.monotonic()
    found = away.answers.newer_than(3, 0.15)
    assert found is not None
    assert found.index == 4
    assert time.monotonic() - began_s < 0.1
