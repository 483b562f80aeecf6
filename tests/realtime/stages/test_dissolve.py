"""In a dissolve no real face is seen, of neither shot: what is real is red here, what was swapped is blue."""

from dataclasses import replace

import numpy as np
import pytest
from tests.realtime.tracking.film import SIZE

from mien.pipeline.frame import Frame
from mien.provenance.release import SwappedPicture
from mien.stages.dissolve import DissolveStage
from mien_models.types import BgrU8, Face, HeadPose

RED, BLUE, GREY = (0, 0, 200), (200, 0, 0), (90, 90, 90)
ONE, OTHER = (180, 180), (430, 170)
RADIUS = 60


def face_at(middle: tuple[int, int]) -> Face:
    x, y = middle
    box = np.array([x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS], np.float32)
    landmarks = np.zeros((478, 2), np.float32)
    return Face(0, box, landmarks, HeadPose(0.0, 0.0, 0.0), 1.0)


def painted(middles: tuple[tuple[int, int], ...], colour: tuple[int, int, int]) -> BgrU8:
    picture = np.full((SIZE[1], SIZE[0], 3), GREY, np.uint8)
    for x, y in middles:
        picture[y - RADIUS : y + RADIUS, x - RADIUS : x + RADIUS] = colour
    return picture


def clear(index: int, middle: tuple[int, int]) -> Frame:
    """One shot alone, in which its face was swapped."""
    frame = Frame(painted((middle,), RED), index, index, chosen=(face_at(middle),), faces=(face_at(middle),))
    return replace(frame, composed=SwappedPicture(painted((middle,), BLUE)), swapped=(object(),))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def mixed(index: int, share: float) -> Frame:
    """Both shots, in which nothing was swapped."""
    return Frame(painted((ONE, OTHER), RED), index, index, dissolve_share=share)


def seen(frame: Frame) -> BgrU8:
    picture = frame.composed
    return frame.image if picture is None else picture.released(lambda image_bgr: image_bgr).image_bgr


def reddest(picture: BgrU8) -> int:
    return int((picture[..., 2].astype(int) - picture[..., 0]).max())


def film(shares: list[float], *, has_end: bool = True) -> list[Frame]:
    stage = DissolveStage()
    frames = [clear(0, ONE), *(mixed(1 + place, share) for place, share in enumerate(shares))]
    frames += [clear(len(frames), OTHER)] if has_end else []
    done = [one for frame in frames for one in stage.take(frame)] + list(stage.rest())
    assert [frame.index for frame in done] == list(range(len(frames)))
    return done


def test_both_faces_are_swapped_in_every_frame_and_go_over_into_each_other() -> None:
    done = film([0.2, 0.4, 0.6, 0.8])
    for frame, share in zip(done[1:-1], [0.2, 0.4, 0.6, 0.8], strict=True):
        picture = seen(frame)
        assert reddest(picture) <= 0
        assert picture[OTHER[1], OTHER[0], 0] == pytest.approx(90 + share * 110, abs=2)
        assert picture[ONE[1], ONE[0], 0] == pytest.approx(200 - share * 110, abs=2)


@pytest.mark.parametrize("shares", [[0.3, 0.6], [0.3, 0.7, 0.2, 0.8]])
def test_where_the_next_shot_is_not_known_nobody_is_recognised(shares: list[float]) -> None:
    for frame in film(shares, has_end=shares == [0.3, 0.7, 0.2, 0.8])[1 : 1 + len(shares)]:
        levels = seen(frame).astype(int)
        assert np.abs(np.diff(levels, axis=1)).max() < 20
        assert frame.composed is not None


def test_a_dissolve_without_faces_stays_as_it_is() -> None:
    stage = DissolveStage()
    empty = Frame(painted((), RED), 0, 0)
    frames = [empty, replace(empty, index=1, dissolve_share=0.5), replace(empty, index=2)]
    done = [one for frame in frames for one in stage.take(frame)]
    assert all(frame.composed is None for frame in done)
