import random
import threading
import time

import pytest
from tests.realtime.pipeline.live.live_rig import CostlyStage, a_packet

from mien.pipeline.frame import Frame
from mien.pipeline.live.stage_threads import Pipeline
from mien.pipeline.live.state import StageFailure
from mien_models.errors import ModelError


class Arrivals:
    """What the pipeline delivered."""

    def __init__(self) -> None:
        self.indices: list[int] = []
        self.threads: list[str] = []
        self.failures: list[StageFailure] = []

    def __call__(self, frame: Frame, failure: StageFailure | None) -> None:
        self.indices.append(frame.index)
        self.threads.append(threading.current_thread().name)
        if failure is not None:
            self.failures.append(failure)


def finish(pipeline: Pipeline) -> None:
    pipeline.close()
    assert pipeline.join(10)


def test_every_frame_is_delivered_in_order_or_counted_while_the_grouping_changes_all_the_time() -> None:
    rng = random.Random(0)
    arrivals = Arrivals()
    pipeline = Pipeline([CostlyStage(f"stage{place}", rng.choice([0, 0.001, 0.002])) for place in range(5)], arrivals)
    pipeline.start()
    regrouped = 0
    for index in range(400):
        pipeline.put(a_packet(index))
        if index % 7 == 0:
            regrouped += pipeline.replan(rng.choice([1, 2, 4, 40])) is not None
        time.sleep(0.001)
    finish(pipeline)
    assert arrivals.indices == sorted(set(arrivals.indices))
    assert len(arrivals.indices) + sum(pipeline.dropped_by.values()) == 400
    assert arrivals.indices[-1] == 399
    assert regrouped > 10


def test_light_stages_come_to_share_a_thread_and_lose_no_frame_by_it() -> None:
    arrivals = Arrivals()
    pipeline = Pipeline([CostlyStage("one"), CostlyStage("two")], arrivals)
    pipeline.start()
    for index in range(60):
        pipeline.put(a_packet(index))
        time.sleep(0.01)
        if index == 40:
            assert pipeline.replan(10) == ((0, 1, 2),)
    finish(pipeline)
    assert pipeline.groups == (("one", "two", "output"),)
    assert sum(pipeline.dropped_by.values()) <= 2
    assert arrivals.threads[0] == "mien-output"
    assert arrivals.threads[-1] == "mien-one"


def test_it_is_too_early_to_group_before_stages_have_warmed_up() -> None:
    pipeline = Pipeline([CostlyStage("one")], Arrivals())
    pipeline.start()
    pipeline.put(a_packet(0))
    finish(pipeline)
    assert pipeline.replan(33) is None


def test_a_stage_works_on_the_next_frame_while_the_following_stage_has_the_one_before() -> None:
    first_is_in_second_stage = threading.Event()
    next_is_in_first_stage = threading.Event()
    met: list[bool] = []

    def announce(frame: Frame) -> Frame:
        if frame.index == 1:
            next_is_in_first_stage.set()
        return frame

    def wait_for_next(frame: Frame) -> Frame:
        if frame.index == 0:
            first_is_in_second_stage.set()
            met.append(next_is_in_first_stage.wait(10))
        return frame

    pipeline = Pipeline([CostlyStage("first", 0, announce), CostlyStage("second", 0, wait_for_next)], Arrivals())
    pipeline.start()
    pipeline.put(a_packet(0))
    assert first_is_in_second_stage.wait(10)
    pipeline.put(a_packet(1))
    finish(pipeline)
    assert met == [True]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModelError("The engine is gone. Restart."), "The engine is gone. Restart."),
        (KeyError(3), "(KeyError: 3). The details"),
    ],
)
def test_a_frame_on_which_a_stage_fails_arrives_as_it_was_and_the_next_one_is_tried(
    error: Exception, words: str
) -> None:
    def fail_first(frame: Frame) -> Frame:
        if frame.index == 0:
            raise error
        return frame

    seen_later: list[int] = []

    def note(frame: Frame) -> Frame:
        seen_later.append(frame.index)
        return frame

    arrivals = Arrivals()
    pipeline = Pipeline([CostlyStage("bad", 0, fail_first), CostlyStage("next", 0, note)], arrivals)
    pipeline.start()
    for index in range(2):
        pipeline.put(a_packet(index))
        while len(arrivals.indices) <= index:
            time.sleep(0.001)
    finish(pipeline)
    assert arrivals.indices == [0, 1]
    assert seen_later == [1]
    assert arrivals.failures[0].stage == "bad"
    assert words in arrivals.failures[0].why


def test_closing_delivers_what_is_on_its_way_and_ends_every_thread() -> None:
    arrivals = Arrivals()
    pipeline = Pipeline([CostlyStage("slow", 0.1)], arrivals)
    pipeline.start()
    pipeline.put(a_packet(0))
    finish(pipeline)
    assert arrivals.indices == [0]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mien-")]
