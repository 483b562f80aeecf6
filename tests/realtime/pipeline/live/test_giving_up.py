"""A run ends when a stage does not come back, and after a moment of the card where it may not go on."""

from mien.pipeline.live.state import Failures, StageFailure, final_error, given_up
from mien_models.errors import FinalError, ModelError

S = 1_000_000_000
PASSING, FINAL = StageFailure("swap", "It broke.", False), StageFailure("consent_check", "It was removed.", True)


def test_a_stage_is_given_half_a_minute() -> None:
    assert given_up(None, None, 99 * S) is None
    assert given_up(PASSING, None, 99 * S) is None
    assert given_up(PASSING, 0, 29 * S) is None
    error = given_up(PASSING, 0, 31 * S)
    assert isinstance(error, ModelError)
    assert "for 30 s" in str(error)
    assert final_error(PASSING) is None


def test_what_may_not_go_on_ends_after_a_moment_of_the_card() -> None:
    assert given_up(FINAL, 5 * S, 6 * S) is None
    error = given_up(FINAL, 5 * S, 7 * S)
    assert isinstance(error, FinalError)
    assert str(error) == "It was removed."
    assert isinstance(final_error(FINAL), FinalError), "also where the clip ends before"


def test_the_card_is_shown_for_a_moment_also_where_frames_had_failed_before() -> None:
    failures = Failures()
    for second in range(20):
        failures.learn(PASSING, second * S)
    assert failures.final_error is None
    failures.learn(FINAL, 20 * S)
    assert failures.given_up(21 * S) is None
    assert isinstance(failures.given_up(22 * S), FinalError)
    failures.learn(None, 23 * S)
    assert failures.given_up(99 * S) is None
    assert failures.counts == {"swap": 20, "consent_check": 1}


def test_a_camera_that_is_gone_for_minutes_after_one_failed_frame_does_not_end_the_run() -> None:
    failures = Failures()
    failures.learn(PASSING, 0)
    assert failures.given_up(600 * S) is None
    failures.learn(PASSING, 600 * S)
    assert failures.given_up(601 * S) is None
    for second in range(601, 632):
        failures.learn(PASSING, second * S)
    assert isinstance(failures.given_up(632 * S), ModelError)
