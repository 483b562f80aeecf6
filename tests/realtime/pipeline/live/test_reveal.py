"""The reveal shows the camera for three seconds because the user asked for it, and at no other time."""

import pytest
from tests.realtime.pipeline.live.live_rig import REAL
from tests.realtime.pipeline.live.output_rig import NOBODY, Rig

from mien.config.choices import Show
from mien.pipeline.frame import State
from mien.pipeline.live.controls import REVEAL_KEY, Controls
from mien.pipeline.live.state import Policy


def live_rig(policy: Policy | None = None) -> Rig:
    rig = Rig(policy or Policy())
    rig.frame()
    assert rig.frame().frame.state is State.LIVE
    return rig


def test_the_camera_is_shown_untouched_for_three_seconds() -> None:
    rig = live_rig()
    assert rig.output.reveal()
    for _ in range(29):
        sent = rig.frame().frame
        assert sent.state is State.REVEALED
        assert (sent.image == REAL).all()
        assert not sent.picture.is_marked
        rig.wait(0.1)
    rig.wait(0.2)
    after = rig.frame().frame
    assert after.state is State.LIVE
    assert not (after.image == REAL).all()
    assert [verdict.state for verdict in rig.verdicts[-2:]] == [State.REVEALED, State.LIVE]


def test_what_was_revealed_is_not_repeated_after_its_time() -> None:
    rig = live_rig(Policy(lost=Show.FREEZE))
    rig.output.reveal()
    rig.frame()
    rig.wait(3.1)
    rig.output.repeat_if_quiet()
    sent = rig.sent[-1].frame
    assert sent.state is State.LOST
    assert not (sent.image == REAL).all()


@pytest.mark.parametrize("event", ["private", "outage", "failed"])
def test_the_panic_key_and_every_fault_end_it_at_once_and_for_good(event: str) -> None:
    rig = live_rig()
    rig.output.reveal()
    rig.frame()
    rig.play(event)
    assert not (rig.sent[-1].frame.image == REAL).all()
    rig.play({"private": "public", "outage": "return"}.get(event, "wait"))
    for _ in range(3):
        assert not (rig.frame().frame.image == REAL).all()


def test_it_cannot_begin_after_the_panic_key_or_in_a_fault_or_twice() -> None:
    rig = live_rig()
    rig.output.set_privacy(on=True)
    assert not rig.output.reveal()
    rig.output.set_privacy(on=False)
    rig.fail()
    assert not rig.output.reveal()
    rig.frame()
    rig.frame()
    assert rig.output.reveal()
    rig.wait(2)
    assert not rig.output.reveal()
    rig.wait(1.1)
    assert rig.frame().frame.state is State.LIVE, "a second press must not make it longer"


def test_somebody_without_a_swap_is_shown_too_and_then_the_card() -> None:
    rig = live_rig()
    rig.frame(chosen=NOBODY, swapped=NOBODY)
    assert rig.output.reveal()
    assert (rig.frame(chosen=NOBODY, swapped=NOBODY).frame.image == REAL).all()
    rig.wait(3.1)
    assert not (rig.frame(chosen=NOBODY, swapped=NOBODY).frame.image == REAL).all()


def test_one_press_is_an_accident_and_two_are_none() -> None:
    rig = live_rig()
    controls = Controls()
    controls.attach(rig.output)
    controls.on_key(REVEAL_KEY)
    rig.frame()
    assert rig.frame().frame.state is State.LIVE
    controls.on_key(REVEAL_KEY)
    assert rig.frame().frame.state is State.REVEALED
