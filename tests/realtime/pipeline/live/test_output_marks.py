"""What the live output sends is marked wherever a swapped face shows in it, and nowhere else."""

from fractions import Fraction

import numpy as np
from tests.realtime.pipeline.live.live_rig import a_packet

from mien.config.choices import Show
from mien.pipeline.frame import Outgoing, OutputFormat
from mien.pipeline.live.output import Output
from mien.pipeline.live.state import Policy
from mien.stages.marks import Marks

FORMAT = OutputFormat(320, 180, Fraction(30))
SECOND = 1_000_000_000


class MarkedRig:
    """An output with real marks, whose pictures are larger than the captured ones."""

    def __init__(self, policy: Policy) -> None:
        self.now_ns = SECOND
        self.sent: list[Outgoing] = []
        release = Marks(language="en").release
        self.output = Output(FORMAT, policy, release, self.sent.append, lambda _: None, clock_ns=lambda: self.now_ns)
        self.output.begin()

    def deliver(self, *, is_swapped: bool, after_s: float = 1 / 30) -> Outgoing:
        self.now_ns += int(after_s * SECOND)
        faces = frozenset({1} if is_swapped else set[int]())
        self.output.deliver(a_packet(chosen=faces, swapped=faces, composed=is_swapped), None)
        return self.sent[-1]


def test_swapped_pictures_are_marked_at_the_size_that_is_sent_from_the_first_on() -> None:
    rig = MarkedRig(Policy())
    first = rig.deliver(is_swapped=True).frame
    assert first.picture.is_marked
    assert first.image.shape == (180, 320, 3)
    assert first.image[:20].max() > 240, "the label is missing in the first swapped picture"
    rig.now_ns += SECOND // 5
    rig.output.repeat_if_quiet()
    assert rig.sent[-1].frame.picture.is_marked


def test_a_frozen_picture_keeps_its_marks_and_takes_turns_with_the_patterns() -> None:
    rig = MarkedRig(Policy(lost=Show.FREEZE, hold_s=0))
    for _ in range(10):
        rig.deliver(is_swapped=True)
    one = rig.deliver(is_swapped=False).frame
    other = rig.deliver(is_swapped=False, after_s=0.6).frame
    assert one.picture.is_marked
    assert other.picture.is_marked
    assert (one.image != other.image).any()


def test_cards_and_the_cameras_own_picture_go_out_bit_for_bit() -> None:
    rig = MarkedRig(Policy(lost=Show.PASSTHROUGH, hold_s=0))
    assert not rig.sent[0].frame.picture.is_marked
    passed = rig.deliver(is_swapped=False).frame
    assert not passed.picture.is_marked
    assert np.unique(passed.image).tolist() == [201]
    rig.deliver(is_swapped=True)
    rig.output.set_privacy(on=True)
    assert not rig.sent[-1].frame.picture.is_marked
