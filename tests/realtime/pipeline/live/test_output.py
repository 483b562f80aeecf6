"""The one promise that may never break: without being asked in words, Mien shows no real face."""

import dataclasses
from dataclasses import replace

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.realtime.pipeline.live.live_rig import HEIGHT, REAL, WIDTH, a_packet, filled, shows_the_real_face
from tests.realtime.pipeline.live.output_rig import NOBODY, Came, Rig, is_swapped, is_swapped_in_part

from mien.config.choices import Show
from mien.pipeline.frame import State
from mien.pipeline.live.slates import blurred
from mien.pipeline.live.state import Policy, StageFailure
from mien.provenance.release import SwappedPicture

HIDING = st.sampled_from([Show.CARD, Show.FREEZE])
HIDING_POLICIES = st.builds(
    Policy, lost=HIDING, privacy=HIDING, fault=HIDING, hold_s=st.sampled_from([0.0, 0.5]), live_after=st.integers(1, 4)
)


IDS = st.frozensets(st.integers(1, 3))
EVENTS = st.lists(
    st.one_of(
        st.builds(Came, IDS, IDS, st.booleans()),
        st.sampled_from(["failed", "outage", "return", "private", "public", "repeat", "wait", "frozen", "thawed"]),
    ),
    max_size=40,
)


@given(HIDING_POLICIES, EVENTS)
def test_no_sequence_of_events_shows_the_real_face(policy: Policy, events: list[Came | str]) -> None:
    rig = Rig(policy)
    for event in events:
        rig.play(event)
        rig.wait(0.04)
    assert not any(shows_the_real_face(outgoing.frame) for outgoing in rig.sent)


@given(HIDING_POLICIES, EVENTS)
def test_live_means_that_the_newest_frame_was_swapped_completely(policy: Policy, events: list[Came | str]) -> None:
    rig = Rig(policy)
    for event in events:
        sent_before = len(rig.sent)
        rig.play(event)
        rig.wait(0.04)
        for outgoing in rig.sent[sent_before:]:
            if outgoing.frame.state is not State.LIVE:
                continue
            assert is_swapped_in_part(outgoing)
            if isinstance(event, Came):
                assert event.composed
                assert NOBODY < event.chosen <= event.swapped
            else:
                assert event == "repeat"


@given(st.builds(Policy, hold_s=st.sampled_from([0.0, 0.5])), EVENTS)
def test_every_sent_frame_is_counted_once(policy: Policy, events: list[Came | str]) -> None:
    rig = Rig(policy)
    for event in events:
        rig.play(event)
    output = rig.output
    assert output.sent == len(rig.sent)
    assert output.frames_swapped + output.frames_hidden == rig.frames
    assert [outgoing.frame.index for outgoing in rig.sent] == list(range(len(rig.sent)))
    assert sum(outgoing.born_ns is None for outgoing in rig.sent) == output.repeated


def test_a_frame_with_one_of_two_chosen_faces_not_swapped_is_lost() -> None:
    rig = Rig(Policy(hold_s=0))
    assert rig.frame(chosen=frozenset({1, 2}), swapped=frozenset({1, 2})).frame.state is State.LIVE
    lost = rig.frame(chosen=frozenset({1, 2}), swapped=frozenset({2}))
    assert lost.frame.state is State.LOST
    assert not is_swapped(lost)
    assert rig.verdicts[-1].why == "1 of 2 chosen faces could not be swapped."


def test_a_face_that_shows_through_its_swap_is_lost() -> None:
    rig = Rig(Policy(hold_s=0))
    frame = a_packet()
    (swapped,) = frame.swapped
    for bad in (
        replace(swapped, alpha=np.zeros((4, 4), np.uint8)),
        replace(swapped, frame_from_crop=np.array([[1.0, 0, 30], [0, 1, 0]])),
        replace(swapped, frame_from_crop=np.full((2, 3), np.nan)),
    ):
        rig.output.deliver(replace(frame, swapped=(bad,)), None)
        assert rig.sent[-1].frame.state is State.LOST
        assert not is_swapped(rig.sent[-1])
        assert "show through" in rig.verdicts[-1].why or rig.verdicts[-1].why.startswith("1 of 1")


def test_a_lost_face_is_held_for_a_moment_as_it_was_swapped_and_then_a_card() -> None:
    rig = Rig(Policy(hold_s=0.5))
    rig.frame()
    held = rig.frame(chosen=NOBODY, swapped=NOBODY)
    assert held.frame.state is State.LOST
    assert is_swapped(held)
    rig.wait(0.6)
    assert not is_swapped(rig.frame(chosen=NOBODY, swapped=NOBODY))


def test_the_hold_ends_without_frames_too() -> None:
    rig = Rig(Policy(hold_s=0.5))
    rig.frame()
    rig.output.no_frames("The camera is gone.")
    assert is_swapped(rig.sent[-1])
    rig.wait(0.6)
    rig.output.repeat_if_quiet()
    assert not is_swapped(rig.sent[-1])


def test_privacy_is_not_held_and_ends_with_a_new_frame_only() -> None:
    rig = Rig(Policy(hold_s=0.5))
    rig.frame()
    rig.output.set_privacy(on=True)
    assert rig.sent[-1].frame.state is State.PRIVACY
    assert not is_swapped(rig.sent[-1])
    assert not is_swapped(rig.frame())
    rig.output.set_privacy(on=False)
    assert not is_swapped(rig.sent[-1])
    rig.wait(0.5)
    assert is_swapped(rig.frame())


def test_freeze_shows_the_last_swapped_picture_and_a_card_before_there_is_one() -> None:
    rig = Rig(Policy(lost=Show.FREEZE, hold_s=0))
    assert not is_swapped(rig.frame(chosen=NOBODY, swapped=NOBODY))
    rig.frame()
    rig.wait(60)
    assert is_swapped(rig.frame(chosen=NOBODY, swapped=NOBODY))


def test_a_frozen_picture_is_swapped_and_stays_until_the_panic_key_and_begins_with_nothing_else() -> None:
    rig = Rig(Policy(hold_s=0))
    assert not rig.output.freeze(on=True), "there is nothing to hold yet"
    first = rig.frame().frame.picture
    assert rig.output.freeze(on=True)
    assert not rig.output.reveal()
    assert is_swapped(rig.frame(chosen=NOBODY, swapped=NOBODY, composed=False))
    assert rig.sent[-1].frame.state is State.LOST
    assert rig.sent[-1].frame.picture.image_bgr.shape == first.image_bgr.shape
    rig.output.set_privacy(on=True)
    assert not is_swapped(rig.sent[-1])
    rig.output.set_privacy(on=False)
    assert not is_swapped(rig.frame(chosen=NOBODY, swapped=NOBODY, composed=False))
    rig.frame()
    assert rig.output.freeze(on=True)
    assert not rig.output.freeze(on=False)
    assert not is_swapped(rig.frame(chosen=NOBODY, swapped=NOBODY, composed=False))


def test_passthrough_shows_the_camera_only_in_the_state_it_was_asked_for() -> None:
    rig = Rig(Policy(lost=Show.PASSTHROUGH, hold_s=0))
    assert (rig.frame(chosen=NOBODY, swapped=NOBODY).frame.image == REAL).all()
    rig.output.no_frames("Gone.")
    assert not shows_the_real_face(rig.sent[-1].frame)
    rig.output.frames_again()
    assert not shows_the_real_face(rig.sent[-1].frame)
    rig.output.set_privacy(on=True)
    assert not shows_the_real_face(rig.frame(chosen=NOBODY, swapped=NOBODY).frame)
    assert not shows_the_real_face(rig.fail().frame)


def test_live_needs_as_many_swapped_frames_in_a_row_as_were_asked_for() -> None:
    rig = Rig(Policy(live_after=3))
    states = [rig.frame().frame.state for _ in range(3)]
    assert states == [State.LOST, State.LOST, State.LIVE]
    rig.fail()
    assert rig.frame().frame.state is State.LOST


def test_a_quiet_output_repeats_and_one_that_is_fed_does_not() -> None:
    rig = Rig(Policy())
    for _ in range(10):
        rig.wait(1 / 30)
        rig.frame()
        rig.output.repeat_if_quiet()
    before = rig.output.repeated
    assert before == 1  # the first card
    rig.wait(0.5)
    rig.output.repeat_if_quiet()
    assert rig.output.repeated == before + 1
    assert is_swapped(rig.sent[-1])


def test_stages_that_hang_end_live() -> None:
    rig = Rig(Policy(hold_s=0))
    rig.frame()
    rig.wait(2.1)
    rig.output.repeat_if_quiet()
    assert rig.sent[-1].frame.state is State.FAULT
    assert not is_swapped(rig.sent[-1])
    assert rig.frame().frame.state is State.LIVE


def test_a_picture_shown_again_keeps_its_capture_time_and_a_card_has_its_own() -> None:
    rig = Rig(Policy(hold_s=0))
    live = rig.frame()
    assert live.frame.captured_ns == live.born_ns
    rig.wait(1)
    rig.output.repeat_if_quiet()
    assert rig.sent[-1].frame.captured_ns == live.frame.captured_ns
    rig.wait(1)
    rig.output.set_privacy(on=True)
    assert rig.sent[-1].frame.captured_ns == rig.now_ns


def test_a_composed_picture_of_another_size_is_letterboxed() -> None:
    rig = Rig(Policy())
    wide = np.full((80, 20, 3), 9, np.uint8)
    frame = dataclasses.replace(a_packet(), image=filled(REAL)[:, :20], composed=SwappedPicture(wide))
    rig.output.deliver(frame, None)
    image = rig.sent[-1].frame.image
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert (image[:, WIDTH // 2] == 9).all()
    assert (image[:, 0] == 0).all()


def test_blur_leaves_no_detail_of_a_face() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (24, 32, 3), np.uint8)
    face = np.asarray(cv2.resize(noise, (640, 480), interpolation=cv2.INTER_NEAREST), np.uint8)
    assert float(np.abs(np.diff(blurred(face).astype(int), axis=1)).max()) < 8
    assert blurred(face).std() < 0.4 * face.std()
    rig = Rig(Policy(lost=Show.BLUR, hold_s=0))
    frame = a_packet(chosen=(), swapped=(), composed=False)
    rig.output.deliver(frame, None)
    assert (rig.sent[-1].frame.image == blurred(frame.image)).all()


def test_an_end_shows_the_card_and_nothing_of_before_it_comes_back_when_another_face_is_worn() -> None:
    rig = Rig(Policy(lost=Show.FREEZE, fault=Show.FREEZE, privacy=Show.FREEZE, hold_s=0.5))
    rig.frame()
    assert is_swapped(rig.frame())
    final = StageFailure("consent_check", "It was removed.", is_final=True)
    rig.output.deliver(a_packet(rig.frames), final)
    rig.output.repeat_if_quiet()
    assert not any(is_swapped_in_part(outgoing) for outgoing in rig.sent[3:])
    lost = rig.frame(chosen=NOBODY, swapped=NOBODY, composed=False)
    assert not is_swapped_in_part(lost), "the face that ended is not the frozen picture"
    rig.wait(2)
    assert is_swapped_in_part(rig.frame()), "the next face is shown"
    rig.wait(2)
    assert is_swapped(rig.frame())
