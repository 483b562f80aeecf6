"""The one promise that may never break: without being asked in words, Mien shows no real face."""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.realtime.live.live_rig import HEIGHT, OUTPUT, REAL, SWAPPED, WIDTH, a_packet, filled, shows_the_real_face

from mien.live.cards import Cards
from mien.live.output import Outgoing, Output, blurred
from mien.live.policy import Cause, Policy, Show, StageFailure, Verdict
from mien.packet import State

FAILED = StageFailure("swap", "The network is gone.")
HIDING = st.sampled_from([Show.CARD, Show.FREEZE])
HIDING_POLICIES = st.builds(
    Policy, lost=HIDING, privacy=HIDING, fault=HIDING, hold_s=st.sampled_from([0.0, 0.5]), live_after=st.integers(1, 4)
)


@dataclass(frozen=True)
class Came:
    """A frame that came through the stages."""

    chosen: frozenset[int]
    swapped: frozenset[int]
    composed: bool


IDS = st.frozensets(st.integers(1, 3))
EVENTS = st.lists(
    st.one_of(
        st.builds(Came, IDS, IDS, st.booleans()),
        st.sampled_from(["failed", "outage", "return", "private", "public", "repeat", "wait"]),
    ),
    max_size=40,
)
FACE: Final = frozenset({1})
NOBODY: Final[frozenset[int]] = frozenset()


class Rig:
    """An output on a clock that is wound by hand."""

    def __init__(self, policy: Policy) -> None:
        self.now_ns = 0
        self.sent: list[Outgoing] = []
        self.verdicts: list[Verdict] = []
        self.output = Output(OUTPUT, policy, self.sent.append, self.verdicts.append, lambda: self.now_ns)
        self.output.begin()
        self.frames = 0

    def frame(
        self, *, chosen: frozenset[int] = FACE, swapped: frozenset[int] = FACE, composed: bool = True
    ) -> Outgoing:
        packet = a_packet(self.frames, chosen=chosen, swapped=swapped, composed=composed)
        self.output.deliver(packet, None)
        self.frames += 1
        return self.sent[-1]

    def fail(self) -> Outgoing:
        self.output.deliver(a_packet(self.frames), FAILED)
        self.frames += 1
        return self.sent[-1]

    def wait(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)

    def play(self, event: Came | str) -> None:
        match event:
            case Came(chosen, swapped, composed):
                self.frame(chosen=chosen, swapped=swapped, composed=composed)
            case "failed":
                self.fail()
            case "outage":
                self.output.no_frames("Gone.")
            case "return":
                self.output.frames_again()
            case "private" | "public":
                self.output.set_privacy(on=event == "private")
            case "repeat":
                self.output.repeat_if_quiet()
            case _:
                self.wait(0.3)


CARDS: Final = [Cards(WIDTH, HEIGHT).card(cause).astype(int) for cause in Cause]


def is_swapped(outgoing: Outgoing) -> bool:
    return bool((outgoing.frame.image == SWAPPED).all())


def swapped_share(outgoing: Outgoing) -> float:
    """Say how much of a picture is the swapped one, 0..1, when the rest of it is one card; NaN when it is not."""
    image = outgoing.frame.image.astype(int)
    for card in CARDS:
        share = float(((image - card) * (SWAPPED - card)).sum() / ((SWAPPED - card) ** 2).sum())
        if np.abs(card + share * (SWAPPED - card) - image).max() <= 1:
            return round(share, 2)
    return float("nan")


def is_swapped_in_part(outgoing: Outgoing) -> bool:
    return 0 < swapped_share(outgoing) <= 1


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
    packet = a_packet()
    (swapped,) = packet.swapped
    for bad in (
        replace(swapped, alpha=np.zeros((4, 4), np.uint8)),
        replace(swapped, frame_from_crop=np.array([[1.0, 0, 30], [0, 1, 0]])),
        replace(swapped, frame_from_crop=np.full((2, 3), np.nan)),
    ):
        rig.output.deliver(replace(packet, swapped=(bad,)), None)
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


def frames_every(rig: Rig, interval_s: float, number: int) -> list[float]:
    """Deliver swapped frames and say how much of each picture they are."""
    shares: list[float] = []
    for _ in range(number):
        rig.wait(interval_s)
        shares.append(swapped_share(rig.frame()))
    return shares


def lose(rig: Rig, seconds: float) -> Outgoing:
    """Deliver frames without a face for a while."""
    for _ in range(round(30 * seconds)):
        rig.wait(1 / 30)
        rig.frame(chosen=NOBODY, swapped=NOBODY)
    return rig.sent[-1]


def test_a_face_that_is_found_again_fades_in_from_the_card() -> None:
    rig = Rig(Policy(hold_s=0))
    rig.frame()
    assert swapped_share(lose(rig, 1)) == 0
    shares = frames_every(rig, 1 / 30, 8)
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.4
    assert shares[-1] == 1
    assert len({share for share in shares if share < 1}) >= 3


def test_a_lost_face_does_not_fade_out() -> None:
    rig = Rig(Policy(hold_s=0))
    rig.frame()
    assert swapped_share(lose(rig, 1)) == 0
    assert frames_every(rig, 1 / 30, 2)[-1] < 1
    assert swapped_share(rig.frame(chosen=NOBODY, swapped=NOBODY)) == 0
    rig.frame()
    rig.output.set_privacy(on=True)
    assert swapped_share(rig.sent[-1]) == 0


def test_a_fade_is_no_longer_than_the_face_was_away_or_a_slow_camera_takes_for_a_frame() -> None:
    rig = Rig(Policy(hold_s=0))
    rig.frame()
    lose(rig, 1 / 30)
    assert frames_every(rig, 1 / 30, 1) == [1]
    lose(rig, 1)
    assert frames_every(rig, 1, 1) == [1]


def test_nothing_fades_from_the_cameras_own_picture() -> None:
    rig = Rig(Policy(lost=Show.PASSTHROUGH, hold_s=0))
    rig.frame()
    assert shows_the_real_face(lose(rig, 1).frame)
    assert frames_every(rig, 1 / 30, 3) == [1, 1, 1]


def test_freeze_shows_the_last_swapped_picture_and_a_card_before_there_is_one() -> None:
    rig = Rig(Policy(lost=Show.FREEZE, hold_s=0))
    assert not is_swapped(rig.frame(chosen=NOBODY, swapped=NOBODY))
    rig.frame()
    rig.wait(60)
    assert is_swapped(rig.frame(chosen=NOBODY, swapped=NOBODY))


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
    packet = a_packet()
    rig.output.deliver(
        type(packet)(
            filled(REAL)[:, :20], 0, 0, packet.faces, packet.chosen, packet.swapped, np.full((80, 20, 3), 9, np.uint8)
        ),
        None,
    )
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
    packet = a_packet(chosen=(), swapped=(), composed=False)
    rig.output.deliver(packet, None)
    assert (rig.sent[-1].frame.image == blurred(packet.image)).all()


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080), (360, 640), (2, 2)])
def test_every_card_is_dark_with_light_letters_and_no_two_are_alike(size: tuple[int, int]) -> None:
    cards = Cards(*size)
    pictures = [cards.card(cause) for cause in Cause]
    for picture in pictures:
        assert picture.shape == (size[1], size[0], 3)
        assert picture.dtype == np.uint8
    if min(size) > 2:
        assert all(np.median(picture) < 60 for picture in pictures)
        assert all(picture.max() > 225 for picture in pictures)
        assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    assert cards.card(Cause.PRIVACY) is cards.card(Cause.PRIVACY)
