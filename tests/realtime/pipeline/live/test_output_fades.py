"""A face that is found again fades in; one that goes, goes at once."""

from tests.realtime.pipeline.live.live_rig import shows_the_real_face
from tests.realtime.pipeline.live.output_rig import NOBODY, Rig, swapped_share

from mien.config.choices import Show
from mien.pipeline.frame import Outgoing
from mien.pipeline.live.state import Policy


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
